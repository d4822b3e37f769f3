//! How far the roll-out is, read from the Deployment and its pods. Pure.

use crate::cache::{OwnedObjects, Pod, Rollout};

/// How far the roll-out is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every pod is of this generation and takes traffic, and no older one is left.
    Complete,
    /// No pod is desired, and none is left.
    Stopped,
    InProgress(Cause),
    /// It goes no further by itself.
    Stalled(Cause),
}

/// Why it is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    pub message: String,
}

pub fn progress(objects: &OwnedObjects) -> Progress {
    let Some(rollout) = objects.rollout() else {
        return Progress::InProgress(cause("Progressing", "the Deployment is being made"));
    };
    if rollout.observed_generation < rollout.generation {
        return Progress::InProgress(cause("Progressing", "the Deployment is being rolled out"));
    }
    if is_complete(rollout) {
        return if rollout.desired == 0 {
            Progress::Stopped
        } else {
            Progress::Complete
        };
    }
    let failure = objects
        .pods()
        .filter(|pod| is_current(pod, rollout))
        .find_map(failure);
    match &rollout.stalled {
        Some(message) => Progress::Stalled(Cause {
            reason: "ProgressDeadlineExceeded".to_owned(),
            message: failure.map_or_else(
                || message.clone(),
                |cause| format!("{}: {}", cause.reason, cause.message),
            ),
        }),
        None => Progress::InProgress(
            failure
                .or_else(|| replica_failure(rollout))
                .unwrap_or_else(|| counted(rollout)),
        ),
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

/// A pod that goes anyway says nothing about the one that comes.
fn is_current(pod: &Pod, rollout: &Rollout) -> bool {
    pod.digest == rollout.digest
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

fn counted(rollout: &Rollout) -> Cause {
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
