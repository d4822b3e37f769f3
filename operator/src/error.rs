//! Why a Chatbox is not as it should be.

use crds::Problem;
use kube::runtime::watcher;
use thiserror::Error;

use crate::kind::Kind;
use crate::validate::Findings;

/// Why a Chatbox is not as it should be.
#[derive(Debug, Error)]
pub enum Error {
    #[error("this release cannot read it: {0}")]
    Undecodable(Problem),
    #[error("{0}")]
    Invalid(Findings),
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
    #[error("cannot write {kind} {name:?}: {}", message(source))]
    Write {
        kind: Kind,
        name: String,
        source: kube::Error,
    },
    #[error("cannot write the status: {}", message(.0))]
    Status(kube::Error),
    #[error("the API server did not answer within {0} seconds")]
    TimedOut(u64),
}

impl From<Findings> for Error {
    fn from(findings: Findings) -> Self {
        Self::Invalid(findings)
    }
}

impl Error {
    /// Whether trying again may help although nobody mends anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Undecodable(_) | Self::Invalid(_) | Self::Foreign { .. } => false,
            Self::Terminating { .. } | Self::TimedOut(_) => true,
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Status(source) => {
                !is_rejection(source)
            }
        }
    }

    /// Whether only a new event can help: there is nothing to try again.
    pub fn awaits_change(&self) -> bool {
        matches!(self, Self::Undecodable(_) | Self::Invalid(_))
    }
}

/// The API server understood and said no: a right, a quota or a field.
fn is_rejection(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 400 | 403 | 404 | 405 | 413 | 422))
}

/// What may keep an object that is being deleted.
fn holder(kind: Kind) -> &'static str {
    match kind {
        Kind::PersistentVolumeClaim => {
            ", which is when no pod uses it; set spec.replicas to 0 to stop them"
        }
        _ => "",
    }
}

/// Why a watch failed, in the API server's own words.
pub fn watch_message(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => message(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

/// The API server's own words, where there are any; for some refusals it goes on with a page of differences.
fn message(error: &kube::Error) -> String {
    let message = match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    };
    message.lines().next().unwrap_or_default().to_owned()
}
