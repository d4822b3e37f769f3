//! Why a reconcile failed.

use std::time::Duration;

use crds::Problem;
use crds::runtime::NAME_LABEL;
use kube::runtime::watcher;
use thiserror::Error;

use crate::cache::cached_object::Owner;
use crate::kind::Kind;
use crate::names;
use crate::plan::Unserializable;
use crate::stored::Incomplete;
use crate::text;
use crate::validate::Findings;

/// Bytes of one message of the API server: several must fit into a condition.
const MESSAGE_BYTES: usize = 900;

/// Whoever stands before the API server may say anything.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(10);

/// Why a reconcile failed.
#[derive(Debug, Error)]
pub enum Error {
    #[error("this release cannot read it: {0}")]
    Undecodable(Problem),
    #[error("{0}")]
    Invalid(Findings),
    /// The operator was started with limits. Nothing that is named is read then.
    #[error("{}", join(.0))]
    NotAllowed(Vec<Problem>),
    #[error(
        "this cluster does not serve {} of {}; install its CustomResourceDefinition, or take what needs it out of the spec",
        .0.definition().plural,
        .0.definition().group
    )]
    NotServed(Kind),
    /// Its watch is tried again.
    #[error(
        "cannot list {} of {}: {reason}; none of them is written until that succeeds, and it is tried again",
        kind.definition().plural,
        kind.definition().group
    )]
    NotListed { kind: Kind, reason: String },
    #[error("{kind} {name:?} {}", foreign(*kind, owner.as_deref(), chatbox))]
    Foreign {
        kind: Kind,
        name: String,
        /// Its controller.
        owner: Option<Box<Owner>>,
        /// Name of the Chatbox that needs it.
        chatbox: String,
    },
    #[error("{kind} {name:?} is being deleted; waiting until it is gone{}", holder(*kind, name))]
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
    #[error("cannot write {kind} {name:?}: {}{}", message(source), remedy(*kind, source))]
    Write {
        kind: Kind,
        name: String,
        source: kube::Error,
    },
    /// It is written again later.
    #[error("{}", contested(*kind, name, manager.as_deref()))]
    Contested {
        kind: Kind,
        name: String,
        /// Who has written to it last, beside us.
        manager: Option<String>,
    },
    /// Everything in it will be deleted too.
    #[error("its namespace is being deleted")]
    NamespaceTerminating,
    #[error("cannot write the status: {}", message(.0))]
    Status(kube::Error),
    /// At least two, and none of them is several.
    #[error("{}", .0.iter().map(Self::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<Error>),
    #[error("the API server did not answer within {0} seconds")]
    TimedOut(u64),
    #[error("the API server did not answer within {seconds} seconds about {kind} {name:?}")]
    NoAnswer {
        kind: Kind,
        name: String,
        seconds: u64,
    },
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
    /// All of these failures; none if there is none.
    pub fn all(mut failures: Vec<Self>) -> Option<Self> {
        match failures.len() {
            0 | 1 => failures.pop(),
            _ => Some(Self::Several(failures)),
        }
    }

    /// This failure and another.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::Several(mut failures) => {
                failures.push(other);
                Self::Several(failures)
            }
            one => Self::Several(vec![one, other]),
        }
    }

    /// The failure that gives the reason: of several the first that needs somebody.
    pub fn primary(&self) -> &Self {
        match self {
            Self::Several(failures) => {
                let mut of_somebody = failures.iter().filter(|failure| !failure.may_pass());
                of_somebody.next().or(failures.first()).unwrap_or(self)
            }
            one => one,
        }
    }

    /// A failed write.
    pub fn write(kind: Kind, name: String, source: kube::Error) -> Self {
        if is_namespace_terminating(&source) {
            return Self::NamespaceTerminating;
        }
        Self::Write { kind, name, source }
    }

    /// Whether it may pass without a change to the Chatbox and without an admin: a Secret may come later, from a pipeline or
    /// another controller.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Invalid(findings) => findings.config.is_empty(),
            Self::Several(failures) => failures.iter().all(Self::may_pass),
            one => one.is_transient(),
        }
    }

    /// Whether a retry may succeed although nobody changes anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Undecodable(_)
            | Self::Invalid(_)
            | Self::NotAllowed(_)
            | Self::NotServed(_)
            | Self::NotListed { .. }
            | Self::Foreign { .. }
            | Self::DeploymentUnreadable(_)
            | Self::NamespaceTerminating
            | Self::Incomplete(_)
            | Self::Unserializable(_) => false,
            Self::Terminating { .. }
            | Self::Contested { .. }
            | Self::TimedOut(_)
            | Self::NoAnswer { .. } => true,
            Self::Several(failures) => failures.iter().all(Self::is_transient),
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Status(source) => {
                !is_rejection(source)
            }
        }
    }

    /// Whether nothing else can be written now either: only an answer of the API server about one object says nothing about
    /// the others. One that has too much to do gets no more of it.
    pub fn ends_reconcile(&self) -> bool {
        match self {
            Self::Foreign { .. } | Self::Terminating { .. } | Self::Contested { .. } => false,
            Self::Read { source, .. } | Self::Write { source, .. } => match source {
                kube::Error::Api(status) => matches!(status.code, 429 | 503),
                _ => true,
            },
            _ => true,
        }
    }

    /// How long the API server wants to be left alone: the longest that it has said.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } | Self::Status(source) => {
                let kube::Error::Api(status) = source else {
                    return None;
                };
                let seconds = status.details.as_ref()?.retry_after_seconds;
                (seconds > 0).then(|| Duration::from_secs(seconds.into()).min(LONGEST_RETRY_AFTER))
            }
            Self::Several(failures) => failures.iter().filter_map(Self::retry_after).max(),
            _ => None,
        }
    }

    /// Whether there was no answer, so nothing else can be asked either, or nothing is left to be asked.
    pub fn is_without_answer(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::NoAnswer { .. } | Self::NamespaceTerminating => true,
            Self::Read { source, .. } | Self::Write { source, .. } => {
                !matches!(source, kube::Error::Api(_))
            }
            Self::Several(failures) => failures.iter().any(Self::is_without_answer),
            _ => false,
        }
    }

    /// Whether only a change that the operator watches can help: a retry is useless.
    pub fn awaits_change(&self) -> bool {
        matches!(
            self,
            Self::Undecodable(_)
                | Self::Invalid(_)
                | Self::NotAllowed(_)
                | Self::NotServed(_)
                | Self::NotListed { .. }
                | Self::NamespaceTerminating
        )
    }
}

fn contested(kind: Kind, name: &str, manager: Option<&str>) -> String {
    let by = manager.map_or_else(
        || "somebody".to_owned(),
        |manager| format!("somebody, and the field manager {manager:?} has written to it last,"),
    );
    format!(
        "{kind} {name:?} is as it should be for moments only: {by} changes it back after each write; let that leave it alone; \
         until then it is written at longer and longer intervals"
    )
}

fn join(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(Problem::to_string).collect();
    texts.join("; ")
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

/// Whose an object is that has a name of ours, and what to do about it. What holds data is never to be deleted for that.
fn foreign(kind: Kind, owner: Option<&Owner>, chatbox: &str) -> String {
    let rename = "give the chatbox another name";
    match owner {
        Some(Owner { kind, name, .. }) => {
            format!("exists and belongs to {kind} {name:?}, not to this chatbox; {rename}")
        }
        None if kind.is_retained() => format!(
            "exists and does not belong to this chatbox; to have it adopted with what it holds, set its label \
             {NAME_LABEL} to {chatbox:?}; or {rename}"
        ),
        None => format!("exists and does not belong to this chatbox; delete it, or {rename}"),
    }
}

/// What may keep an object that is being deleted.
fn holder(kind: Kind, name: &str) -> &'static str {
    if kind == Kind::PERSISTENT_VOLUME_CLAIM {
        ", which is when no pod uses it; its data goes with it, so until then pods are not replaced; copy what is needed \
         first, and then set spec.replicas to 0 to stop them"
    } else if kind == Kind::SECRET && names::is_encryption(name) {
        "; what is stored cannot be read without its key, so copy this one first, and create it again from the copy"
    } else if kind == Kind::SECRET {
        "; the key that is generated then ends every token and every guest's session of today, so copy this one first, if \
         it is to stay, and name the copy in auth.hs256"
    } else {
        ""
    }
}

/// Whether the operator has no right to list.
pub fn is_list_forbidden(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 403)
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

/// What to do about an object of ours that cannot be changed to what is desired, as when somebody has created it anew with
/// another selector. What holds data is never to be deleted for that.
fn remedy(kind: Kind, source: &kube::Error) -> &'static str {
    // A Service that was made anew has words of its own for that.
    let words = [
        "field is immutable",
        "may not change once set",
        "may not be set to 'None'",
    ];
    let is_immutable = matches!(
        source,
        kube::Error::Api(status) if words.iter().any(|words| status.message.contains(words))
    );
    if is_immutable && !kind.is_retained() {
        "; this cannot be changed: delete it, and the operator creates it anew"
    } else {
        ""
    }
}

/// The message of the API server, where there is one: all of its lines, as the one that matters may be the last. For some
/// rejections a page of differences follows.
fn message(error: &kube::Error) -> String {
    let message = match error {
        kube::Error::Api(status) if status.code == 422 => rejection(status),
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    };
    text::shorten(&text::join_lines(&message), MESSAGE_BYTES)
}

/// Each refused field with what is wrong. The value before that may be a page, with addresses in memory that differ in each
/// answer: the status would be written at each attempt.
fn rejection(status: &kube::core::Status) -> String {
    let details = status.details.iter();
    let causes = details.flat_map(|details| &details.causes);
    let causes: Vec<String> = causes
        .map(|cause| {
            let words = match cause.message.rsplit_once("}: ") {
                Some((value, words)) if value.contains("(0x") => words,
                _ => &cause.message,
            };
            format!("{}: {words}", cause.field)
        })
        .collect();
    if causes.is_empty() || !status.message.contains("(0x") {
        return status.message.clone();
    }
    causes.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rejected(message: &str, causes: &serde_json::Value) -> String {
        let status = json!({"code": 422, "message": message, "details": {"causes": causes}});
        message_of(&status)
    }

    fn message_of(status: &serde_json::Value) -> String {
        let status = serde_json::from_value(status.clone()).unwrap();
        super::message(&kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn whoever_deletes_keys_or_data_is_told_what_goes_with_them() {
        for (kind, name, expected) in [
            (Kind::SECRET, names::keys("a"), "ends every token"),
            (
                Kind::SECRET,
                names::encryption("a"),
                "cannot be read without its key",
            ),
            (
                Kind::PERSISTENT_VOLUME_CLAIM,
                names::data("a"),
                "its data goes with it",
            ),
        ] {
            let told = Error::Terminating { kind, name }.to_string();
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn addresses_in_memory_are_no_part_of_a_message() {
        let answer = |address: &str| {
            let value = format!(
                "Invalid value: core.Probe{{Exec:(*core.Exec)({address})}}: may not be both"
            );
            let message = format!("Deployment \"x\" is invalid: spec.a: {value}");
            rejected(&message, &json!([{"field": "spec.a", "message": value}]))
        };
        assert_eq!(answer("0x401647c661"), "spec.a: may not be both");
        assert_eq!(answer("0x401647c661"), answer("0x40aaaaaaaa"));
        let plain = "Service \"x\" is invalid: spec.a: is required";
        let causes = json!([{"field": "spec.a", "message": "is required"}]);
        assert_eq!(rejected(plain, &causes), plain);
    }

    #[test]
    fn an_api_server_that_has_too_much_to_do_is_left_alone() {
        let write = |code: u16, seconds: u32| {
            let status = json!({"code": code, "details": {"retryAfterSeconds": seconds}});
            let status = serde_json::from_value(status).unwrap();
            let source = kube::Error::Api(Box::new(status));
            Error::write(Kind::SERVICE, "s".to_owned(), source)
        };
        let rows = [
            (429, 7, true),
            (503, 0, true),
            (500, 0, false),
            (403, 0, false),
        ];
        for (code, seconds, ends) in rows {
            let error = write(code, seconds);
            assert_eq!(error.ends_reconcile(), ends, "{code}");
            let expected = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
            assert_eq!(error.retry_after(), expected, "{code}");
        }
        let longest = write(503, 4).and(write(500, 9)).and(write(403, 0));
        assert_eq!(longest.retry_after(), Some(Duration::from_secs(9)));
        assert_eq!(
            write(429, u32::MAX).retry_after(),
            Some(LONGEST_RETRY_AFTER)
        );
    }

    #[test]
    fn what_cannot_be_changed_is_to_be_made_anew_unless_it_holds_data() {
        for words in [
            "field is immutable",
            "may not change once set",
            "may not be set to 'None' for NodePort",
        ] {
            let status = json!({"code": 422, "message": format!("spec.x: {words}")});
            let source = || {
                let status = serde_json::from_value(status.clone()).unwrap();
                kube::Error::Api(Box::new(status))
            };
            assert!(
                remedy(Kind::SERVICE, &source()).contains("delete it"),
                "{words}"
            );
            assert_eq!(remedy(Kind::SECRET, &source()), "", "{words}");
        }
    }

    #[test]
    fn who_waits_for_a_key_to_go_is_told_what_goes_with_it() {
        let error = Error::Terminating {
            kind: Kind::SECRET,
            name: "keys".to_owned(),
        };
        assert!(error.to_string().contains("ends every token"), "{error}");
    }
}
