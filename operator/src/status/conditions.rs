//! From the result of a reconcile to the status. Pure: the same result gives the same status, and a condition that does
//! not change keeps its transition time.
//!
//! `Reconciling` and `Stalled` are listed only while they are true, as kstatus expects of such conditions. So a Chatbox
//! is either ready, or reconciling, or stalled; or it is paused.

use crds::status::{
    CONFIG_VALID, DELETION_POLICY_APPLIED, READY, RECONCILING, SECRETS_RESOLVED, STALLED,
    VOLUME_AS_SPECIFIED,
};
use crds::{ChatboxStatus, Problem};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::progress::{self, Cause, Progress, progress};
use crate::cache::OwnedObjects;
use crate::claim::{Difference, Differences};
use crate::error::Error;
use crate::kind::Kind;
use crate::stored::Stored;
use crate::text;
use crate::validate::Findings;

const MESSAGE_BYTES: usize = 2048;
const PROGRESSING: &str = "Progressing";
const PAUSED: &str = "Paused";

/// The result of a reconcile that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converged {
    /// Address of the chat page inside the cluster.
    pub url: String,
    /// How many objects a paused Chatbox keeps from being changed; none when it is not paused.
    pub pending: Option<usize>,
}

/// What a status is made of.
#[derive(Debug)]
pub struct Facts<'a> {
    pub generation: Option<i64>,
    pub result: &'a Result<Converged, Error>,
    /// Why the deletion policy is not in effect.
    pub unsettled: Option<&'a Error>,
    /// Why the claim is not changed.
    pub claim: Option<&'a Error>,
    /// What the spec asks of the volume and it is not.
    pub volume: &'a Differences,
    pub objects: &'a OwnedObjects,
    /// The kinds that may not be listed, and why.
    pub unseen: &'a [(Kind, String)],
}

/// The summary: whether it is ready, and if not, whether it will be.
struct Summary {
    phase: Phase,
    reason: String,
    message: String,
}

enum Phase {
    Ready,
    Reconciling,
    Stalled,
    /// Not ready, as the spec demands.
    Paused,
}

/// The state of one check.
enum Check {
    Passed,
    Failed(String),
    /// It could not be made: the last result for this generation stays.
    Unknown,
}

/// The part of a status that is ours, in our order: others may add conditions of their own.
pub fn ours(status: &ChatboxStatus) -> ChatboxStatus {
    let order = [
        READY,
        RECONCILING,
        STALLED,
        CONFIG_VALID,
        SECRETS_RESOLVED,
        DELETION_POLICY_APPLIED,
        VOLUME_AS_SPECIFIED,
    ];
    let find = |type_: &str| {
        status
            .conditions
            .iter()
            .find(|condition| condition.type_ == type_)
    };
    ChatboxStatus {
        conditions: order.into_iter().filter_map(find).cloned().collect(),
        ..status.clone()
    }
}

/// The status after a reconcile. `before` is the last status, for what does not change.
pub fn status(
    chatbox: &Stored,
    before: &ChatboxStatus,
    facts: &Facts<'_>,
    now: &Time,
) -> ChatboxStatus {
    let Facts {
        generation,
        result,
        unsettled,
        claim: _,
        volume,
        objects,
        unseen,
    } = *facts;
    let mut summary = summary(result, progress(chatbox, objects));
    summary.message.extend(unseen.iter().map(not_seen));
    let (config, secrets) = checks(result);
    let draft = Draft {
        before,
        generation,
        now,
    };
    let mut conditions = vec![draft.ready(&summary)];
    conditions.extend(draft.phase(&summary));
    conditions.push(draft.check(CONFIG_VALID, ("Valid", "Invalid"), config));
    conditions.push(draft.check(SECRETS_RESOLVED, ("Resolved", "Unresolved"), secrets));
    conditions.push(draft.check(
        DELETION_POLICY_APPLIED,
        ("Applied", "WriteFailed"),
        unsettled.map_or(Check::Passed, |error| Check::Failed(not_in_effect(error))),
    ));
    conditions.extend(volume.first().zip(volume.message()).map(|(first, words)| {
        draft.condition(VOLUME_AS_SPECIFIED, "False", first.reason(), &words)
    }));
    let rollout = objects.rollout(chatbox).and_then(Result::ok);
    let converged = result.as_ref().ok();
    ChatboxStatus {
        observed_generation: generation,
        conditions,
        url: converged
            .map(|c| c.url.clone())
            .or_else(|| before.url.clone()),
        replicas: rollout.map(|rollout| rollout.replicas),
        ready_replicas: rollout.map(|rollout| rollout.ready),
        // Without a Deployment it is what the next one will have.
        image: match rollout {
            Some(rollout) => rollout.image.clone(),
            None => before.image.clone(),
        },
        config_hash: rollout.and_then(|rollout| rollout.config_hash.clone()),
    }
}

/// Whether the reason of a condition that is not true is no cause for a warning.
pub fn is_normal(reason: &str) -> bool {
    [PROGRESSING, PAUSED, Difference::Growing.reason()].contains(&reason)
}

fn summary(result: &Result<Converged, Error>, progress: Progress) -> Summary {
    match result {
        Err(error) => with_pods(failure(error), error, progress),
        Ok(Converged {
            pending: Some(pending),
            ..
        }) => paused(*pending, progress),
        Ok(Converged { pending: None, .. }) => rolled_out(progress),
    }
}

/// What runs is told as if it were not paused: a server that fails fails all the same.
fn paused(pending: usize, progress: Progress) -> Summary {
    let waiting = match pending {
        0 => "paused, so changes will wait".to_owned(),
        1 => "1 object waits until spec.paused is false, and what runs is left as it is".to_owned(),
        n => format!("{n} objects wait until spec.paused is false, and what runs is left as it is"),
    };
    // Counts tell no failure.
    let is_failing = matches!(
        &progress,
        Progress::InProgress(cause) | Progress::Stalled(cause) if cause.reason != PROGRESSING
    );
    if pending > 0 && !is_failing {
        return new(Phase::Paused, PAUSED, &waiting);
    }
    let is_settled = progress.is_settled();
    let Summary {
        phase,
        reason,
        message,
    } = rolled_out(progress);
    Summary {
        phase,
        reason: if is_settled {
            PAUSED.to_owned()
        } else {
            reason
        },
        message: format!("{message}; {waiting}"),
    }
}

fn rolled_out(progress: Progress) -> Summary {
    match progress {
        Progress::Complete => new(
            Phase::Ready,
            "RolledOut",
            "every pod runs this generation and takes traffic",
        ),
        Progress::ScaledToZero => new(
            Phase::Ready,
            "Stopped",
            "spec.replicas is 0, so nothing runs",
        ),
        Progress::InProgress(Cause { reason, message }) => {
            new(Phase::Reconciling, &reason, &message)
        }
        Progress::Stalled(Cause { reason, message }) => new(Phase::Stalled, &reason, &message),
    }
}

/// Why some object is not as desired does not hide why the pods do not start, or stop.
fn with_pods(mut summary: Summary, error: &Error, progress: Progress) -> Summary {
    let (Progress::InProgress(cause) | Progress::Stalled(cause)) = progress else {
        return summary;
    };
    // The Deployment's own failure is told already, and counts tell no cause.
    let is_told = matches!(error, Error::DeploymentUnreadable(_)) || cause.reason == PROGRESSING;
    if !is_told {
        let Cause { reason, message } = cause;
        summary.message = format!("{}; {reason}: {message}", summary.message);
    }
    summary
}

fn failure(error: &Error) -> Summary {
    let phase = if error.may_pass() {
        Phase::Reconciling
    } else {
        Phase::Stalled
    };
    let reason = match error.primary() {
        Error::Invalid(findings) if findings.config.is_empty() => "SecretsUnresolved",
        Error::Undecodable(_) | Error::Invalid(_) => "InvalidConfig",
        Error::NotAllowed(_) => "NotAllowed",
        Error::NotServed(_) => "ApiNotServed",
        Error::NotListed { .. } => "ApiNotListed",
        Error::Foreign { .. } => "NameTaken",
        Error::Terminating { .. } => "WaitingForDeletion",
        Error::Contested { .. } => "Contested",
        Error::Read { .. } | Error::Incomplete(_) => "ReadFailed",
        Error::TimedOut(_) | Error::NoAnswer { .. } => "TimedOut",
        Error::Write { .. } | Error::Status(_) | Error::Unserializable(_) => "WriteFailed",
        Error::DeploymentUnreadable(_) => progress::DEPLOYMENT_UNREADABLE,
        // Cannot happen: `reconcile` writes no status then.
        Error::NamespaceTerminating => "NamespaceTerminating",
        // Cannot happen: none of several is several.
        Error::Several(_) => "Several",
    };
    new(phase, reason, &error.to_string())
}

fn new(phase: Phase, reason: &str, message: &str) -> Summary {
    Summary {
        phase,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

/// `ConfigValid` and `SecretsResolved`.
fn checks(result: &Result<Converged, Error>) -> (Check, Check) {
    match result {
        Ok(_) => (Check::Passed, Check::Passed),
        // An invalid Chatbox may have been refused to be stopped too: what was found, or not, counts as if it stood alone.
        Err(Error::Several(failures)) => {
            let mut verdicts = failures.iter().map(checks_of);
            let is_passed =
                |verdict: &(Check, Check)| matches!(verdict, (Check::Passed, Check::Passed));
            let found = verdicts.find(|verdict| !is_passed(verdict));
            found.unwrap_or((Check::Passed, Check::Passed))
        }
        Err(error) => checks_of(error),
    }
}

/// What one failure says about the checks.
fn checks_of(error: &Error) -> (Check, Check) {
    match error {
        Error::Undecodable(problem) => (Check::Failed(problem.to_string()), Check::Unknown),
        Error::NotAllowed(problems) => (verdict(problems), Check::Unknown),
        Error::Invalid(Findings { config, secrets }) => (verdict(config), verdict(secrets)),
        Error::Read { .. }
        | Error::TimedOut(_)
        | Error::NoAnswer { .. }
        | Error::Incomplete(_)
        | Error::DeploymentUnreadable(_)
        // Cannot happen: `reconcile` writes no status then.
        | Error::NamespaceTerminating
        // Cannot happen: none of several is several.
        | Error::Several(_) => (Check::Unknown, Check::Unknown),
        Error::NotServed(_)
        | Error::NotListed { .. }
        | Error::Unserializable(_)
        | Error::Foreign { .. }
        | Error::Terminating { .. }
        | Error::Contested { .. }
        | Error::Write { .. }
        | Error::Status(_) => (Check::Passed, Check::Passed),
    }
}

/// The Chatbox may serve all the same.
fn not_seen((kind, reason): &(Kind, String)) -> String {
    format!(
        "; changes of {} are not seen, because the operator has no right to list them: {reason}",
        kind.definition().plural
    )
}

fn not_in_effect(error: &Error) -> String {
    format!(
        "spec.deletionPolicy is not in effect yet, so deleting the Chatbox now may delete what should stay: {error}"
    )
}

fn verdict(problems: &[Problem]) -> Check {
    let texts: Vec<String> = problems.iter().map(Problem::to_string).collect();
    if texts.is_empty() {
        Check::Passed
    } else {
        Check::Failed(texts.join("; "))
    }
}

/// What every condition of one status shares.
struct Draft<'a> {
    before: &'a ChatboxStatus,
    generation: Option<i64>,
    now: &'a Time,
}

impl Draft<'_> {
    fn ready(&self, summary: &Summary) -> Condition {
        let is_ready = matches!(summary.phase, Phase::Ready);
        self.condition(
            READY,
            if is_ready { "True" } else { "False" },
            &summary.reason,
            &summary.message,
        )
    }

    fn phase(&self, summary: &Summary) -> Option<Condition> {
        let type_ = match summary.phase {
            Phase::Reconciling => RECONCILING,
            Phase::Stalled => STALLED,
            Phase::Ready | Phase::Paused => return None,
        };
        Some(self.condition(type_, "True", &summary.reason, &summary.message))
    }

    fn check(&self, type_: &str, (good, bad): (&str, &str), check: Check) -> Condition {
        match check {
            Check::Passed => self.condition(type_, "True", good, ""),
            Check::Failed(message) => self.condition(type_, "False", bad, &message),
            Check::Unknown => {
                let last = self
                    .last(type_)
                    .filter(|last| last.observed_generation == self.generation);
                last.cloned().unwrap_or_else(|| {
                    self.condition(
                        type_,
                        "Unknown",
                        "NotChecked",
                        "could not be checked yet: see Ready",
                    )
                })
            }
        }
    }

    fn condition(&self, type_: &str, status: &str, reason: &str, message: &str) -> Condition {
        let since = self.last(type_).filter(|last| last.status == status);
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: text::shorten(message, MESSAGE_BYTES),
            observed_generation: self.generation,
            last_transition_time: since
                .map_or(self.now, |last| &last.last_transition_time)
                .clone(),
        }
    }

    fn last(&self, type_: &str) -> Option<&Condition> {
        self.before
            .conditions
            .iter()
            .find(|condition| condition.type_ == type_)
    }
}

#[cfg(test)]
mod tests;
