//! Why a reconcile failed.

use crds::Problem;
use kube::runtime::watcher;
use thiserror::Error;

use crate::kind::Kind;
use crate::plan::Unserializable;
use crate::stored::Incomplete;
use crate::validate::Findings;

/// Why a reconcile failed.
#[derive(Debug, Error)]
pub enum Error {
    #[error("this release cannot read it: {0}")]
    Undecodable(Problem),
    #[error("{0}")]
    Invalid(Findings),
    #[error(
        "this cluster does not serve {} of {}; install its CustomResourceDefinition, or take what needs it out of the spec",
        .0.definition().plural,
        .0.definition().group
    )]
    NotServed(Kind),
    /// Its watch is tried again.
    #[error(
        "cannot list {} of {}: {reason}; nothing is applied until that succeeds, and it is tried again",
        kind.definition().plural,
        kind.definition().group
    )]
    NotListed { kind: Kind, reason: String },
    #[error(
        "{kind} {name:?} exists and does not belong to this chatbox; delete it, or give the chatbox another name"
    )]
    Foreign { kind: Kind, name: String },
    #[error("{kind} {name:?} is being deleted; waiting until it is gone{}", holder(*kind))]
    Terminating { kind: Kind, name: String },
    #[error("cannot read {kind} {name:?}: {}", message(source))]
    Read {
        kind: Kind,
        name: String,
        source: kube::Error,
    },
    /// Nothing is changed then: what runs is not known.
    #[error("the Deployment cannot be decoded: {0}")]
    DeploymentUnreadable(String),
    #[error("cannot write {kind} {name:?}: {}", message(source))]
    Write {
        kind: Kind,
        name: String,
        source: kube::Error,
    },
    /// Everything in it will be deleted too.
    #[error("its namespace is being deleted")]
    NamespaceTerminating,
    #[error("cannot write the status: {}", message(.0))]
    Status(kube::Error),
    #[error("the API server did not answer within {0} seconds")]
    TimedOut(u64),
    /// Cannot happen: the API server has broken its own rules.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// Cannot happen: see [`Unserializable`].
    #[error(transparent)]
    Unserializable(#[from] Unserializable),
}

impl From<Findings> for Error {
    fn from(findings: Findings) -> Self {
        Self::Invalid(findings)
    }
}

impl Error {
    /// A failed write.
    pub fn write(kind: Kind, name: String, source: kube::Error) -> Self {
        if is_namespace_terminating(&source) {
            return Self::NamespaceTerminating;
        }
        Self::Write { kind, name, source }
    }

    /// Whether a retry may succeed although nobody changes anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Undecodable(_)
            | Self::Invalid(_)
            | Self::NotServed(_)
            | Self::NotListed { .. }
            | Self::Foreign { .. }
            | Self::DeploymentUnreadable(_)
            | Self::NamespaceTerminating
            | Self::Incomplete(_)
            | Self::Unserializable(_) => false,
            Self::Terminating { .. } | Self::TimedOut(_) => true,
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Status(source) => {
                !is_rejection(source)
            }
        }
    }

    /// Whether only a change that the operator watches can help: a retry is useless.
    pub fn awaits_change(&self) -> bool {
        matches!(
            self,
            Self::Undecodable(_)
                | Self::Invalid(_)
                | Self::NotServed(_)
                | Self::NotListed { .. }
                | Self::NamespaceTerminating
        )
    }
}

/// Whether the API server has understood and declined: because of a right, a quota or a field.
fn is_rejection(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 400 | 403 | 404 | 405 | 413 | 422))
}

/// Whether nothing can be created because the namespace is being deleted.
pub fn is_namespace_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
}

/// What may keep an object that is being deleted.
fn holder(kind: Kind) -> &'static str {
    if kind == Kind::PERSISTENT_VOLUME_CLAIM {
        ", which is when no pod uses it; set spec.replicas to 0 to stop them"
    } else {
        ""
    }
}

/// Why a watch failed, in the words of the API server.
pub fn watch_message(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => message(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

/// The message of the API server, where there is one; for some rejections a page of differences follows it.
fn message(error: &kube::Error) -> String {
    let message = match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    };
    message.lines().next().unwrap_or_default().to_owned()
}
