//! How far the roll-out is, read from the Deployment and its pods. Pure.

use crate::children::{Family, Pod, Rollout};

/// How far the roll-out is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every pod is of this generation and takes traffic, and no older one is left.
    Complete,
    /// No pod is wanted, and none is left.
    Stopped,
    Underway(Cause),
    /// It goes no further by itself.
    Stuck(Cause),
}

/// Why it is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    pub message: String,
}

pub fn progress(family: &Family) -> Progress {
    let Some(rollout) = family.rollout() else {
        return Progress::Underway(cause("Progressing", "the Deployment is being made"));
    };
    if rollout.observed_generation < rollout.generation {
        return Progress::Underway(cause("Progressing", "the Deployment is being rolled out"));
    }
    if is_complete(rollout) {
        return if rollout.wanted == 0 {
            Progress::Stopped
        } else {
            Progress::Complete
        };
    }
    let trouble = family
        .pods()
        .filter(|pod| is_current(pod, rollout))
        .find_map(trouble);
    match &rollout.stuck {
        Some(message) => Progress::Stuck(Cause {
            reason: "ProgressDeadlineExceeded".to_owned(),
            message: trouble.map_or_else(
                || message.clone(),
                |cause| format!("{}: {}", cause.reason, cause.message),
            ),
        }),
        None => Progress::Underway(
            trouble
                .or_else(|| refused(rollout))
                .unwrap_or_else(|| counted(rollout)),
        ),
    }
}

fn is_complete(rollout: &Rollout) -> bool {
    let Rollout {
        wanted,
        replicas,
        updated,
        ready,
        available,
        ..
    } = rollout;
    [replicas, updated, ready, available]
        .into_iter()
        .all(|count| count == wanted)
}

/// A pod that goes anyway says nothing about the one that comes.
fn is_current(pod: &Pod, rollout: &Rollout) -> bool {
    pod.digest == rollout.digest
}

fn trouble(pod: &Pod) -> Option<Cause> {
    let trouble = pod.trouble.as_ref()?;
    Some(cause(
        &trouble.reason,
        &format!("pod {}: {}", pod.name, trouble.message),
    ))
}

fn refused(rollout: &Rollout) -> Option<Cause> {
    let message = rollout.refused.as_deref()?;
    Some(cause("PodsRefused", message))
}

fn counted(rollout: &Rollout) -> Cause {
    let Rollout {
        wanted,
        replicas,
        updated,
        ready,
        ..
    } = rollout;
    let old = replicas - updated;
    let message = match (wanted, old) {
        (0, _) => format!("{replicas} pods are still stopping"),
        (_, 1..) => format!("{old} old pods are still stopping"),
        _ => format!("{ready} of {wanted} pods are ready"),
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
