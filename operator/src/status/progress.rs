//! How far the rollout is, read from the Deployment and its pods. Pure.

use crate::cache::{OwnedObjects, Pod, Rollout};
use crate::names;
use crate::namespaced_name::NamespacedName;
use crate::stored::Stored;

/// The reason while a Deployment cannot be decoded.
pub const DEPLOYMENT_UNREADABLE: &str = "DeploymentUnreadable";

/// How far the rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every pod is of this generation and ready, and no older one is left.
    Complete,
    /// No pod is desired, and none is left.
    ScaledToZero,
    InProgress(Cause),
    /// It makes no progress by itself.
    Stalled(Cause),
}

/// Why it is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    pub message: String,
}

impl Progress {
    /// Whether no pod of an older generation is left that may start again.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Complete | Self::ScaledToZero)
    }
}

pub fn progress(chatbox: &Stored, objects: &OwnedObjects) -> Progress {
    let rollout = match objects.rollout(chatbox) {
        None => {
            return Progress::InProgress(cause("Progressing", "the Deployment is being created"));
        }
        Some(Err(reason)) => {
            let message = format!("the Deployment cannot be decoded: {reason}");
            return Progress::Stalled(cause(DEPLOYMENT_UNREADABLE, &message));
        }
        Some(Ok(rollout)) => rollout,
    };
    if rollout.observed_generation < rollout.generation {
        return Progress::InProgress(cause("Progressing", "the Deployment is being rolled out"));
    }
    if is_complete(rollout) {
        return if rollout.desired == 0 {
            Progress::ScaledToZero
        } else {
            Progress::Complete
        };
    }
    let failure = objects
        .pods(chatbox)
        .filter(|pod| is_current(pod, rollout))
        .find_map(failure)
        .or_else(|| replica_failure(rollout));
    if rollout.is_paused {
        return Progress::Stalled(paused(chatbox));
    }
    match &rollout.stalled {
        // What has kept it from progressing still does.
        Some(message) => Progress::Stalled(Cause {
            reason: "ProgressDeadlineExceeded".to_owned(),
            message: failure.map_or_else(
                || message.clone(),
                |cause| format!("{message} {}: {}", cause.reason, cause.message),
            ),
        }),
        None => Progress::InProgress(failure.unwrap_or_else(|| counts(rollout))),
    }
}

fn is_complete(rollout: &Rollout) -> bool {
    let Rollout {
        desired,
        replicas,
        updated,
        ready,
        available,
        ..
    } = rollout;
    [replicas, updated, ready, available]
        .into_iter()
        .all(|count| count == desired)
}

/// The failure of an old pod says nothing about the new one.
fn is_current(pod: &Pod, rollout: &Rollout) -> bool {
    pod.config_hash == rollout.config_hash
}

fn failure(pod: &Pod) -> Option<Cause> {
    let failure = pod.failure.as_ref()?;
    Some(cause(
        &failure.reason,
        &format!("pod {}: {}", pod.name, failure.message),
    ))
}

fn replica_failure(rollout: &Rollout) -> Option<Cause> {
    let message = rollout.replica_failure.as_deref()?;
    Some(cause("PodsRefused", message))
}

fn paused(chatbox: &Stored) -> Cause {
    let NamespacedName { namespace, name } = &chatbox.namespaced_name;
    let app = names::app(name);
    let message = format!(
        "somebody has paused Deployment {app:?}, so its pods are not replaced; resume it with: kubectl --namespace \
         {namespace} rollout resume deployment/{app}"
    );
    cause("DeploymentPaused", &message)
}

fn counts(rollout: &Rollout) -> Cause {
    let Rollout {
        desired,
        replicas,
        updated,
        ready,
        ..
    } = rollout;
    let old = replicas - updated;
    let message = match (desired, old) {
        (0, _) => format!("{replicas} pods are still stopping"),
        (_, 1..) => format!("{old} old pods are still stopping"),
        _ => format!("{ready} of {desired} pods are ready"),
    };
    cause("Progressing", &message)
}

fn cause(reason: &str, message: &str) -> Cause {
    Cause {
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
