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
    let failure = pod_failure(chatbox, objects, rollout).or_else(|| replica_failure(rollout));
    if rollout.is_paused {
        return Progress::Stalled(and(paused(chatbox), failure.as_ref()));
    }
    let ending = || objects.pods(chatbox).find_map(ending);
    match &rollout.stalled {
        // What has kept it from progressing still does.
        Some(message) => {
            let held = failure.or_else(|| held(chatbox, objects, rollout));
            let exceeded = cause("ProgressDeadlineExceeded", message);
            Progress::Stalled(and(exceeded, held.as_ref()))
        }
        None => Progress::InProgress(failure.unwrap_or_else(|| {
            let mut counts = counts(rollout);
            counts
                .message
                .extend(ending().map(|pod| format!("; {pod}")));
            counts
        })),
    }
}

/// Both are told.
fn and(first: Cause, second: Option<&Cause>) -> Cause {
    let Some(Cause { reason, message }) = second else {
        return first;
    };
    Cause {
        message: format!("{} {reason}: {message}", first.message),
        reason: first.reason,
    }
}

/// Why a new pod is not ready; one that is over stays for a while, and says less than its successor.
fn pod_failure(chatbox: &Stored, objects: &OwnedObjects, rollout: &Rollout) -> Option<Cause> {
    let current = |is_over: bool| {
        let pods = objects.pods(chatbox).filter(|pod| pod.ends.is_none());
        let pods = pods.filter(|pod| is_current(pod, rollout));
        pods.filter(move |pod| pod.is_over == is_over)
    };
    current(false)
        .find_map(failure)
        .or_else(|| current(true).find_map(failure))
}

/// What holds up pods that report no failure of their own.
fn held(chatbox: &Stored, objects: &OwnedObjects, rollout: &Rollout) -> Option<Cause> {
    let namespace = &chatbox.namespaced_name.namespace;
    let stuck = |pod: &Pod| {
        let name = &pod.name;
        let message = format!(
            "{}; if that node is lost, and only then, because two servers must not write to one volume, end it with: \
             kubectl --namespace {namespace} delete pod {name} --force",
            ending(pod)?
        );
        Some(cause("PodTerminating", &message))
    };
    let unprepared = |pod: &Pod| {
        let name = &pod.name;
        let message = format!(
            "pod {name}: its volumes or its network cannot be set up; why is told by: kubectl --namespace {namespace} \
             describe pod {name}"
        );
        let is_current = pod.ends.is_none() && is_current(pod, rollout);
        (is_current && pod.is_being_set_up).then(|| cause("ContainerCreating", &message))
    };
    let mut pods = objects.pods(chatbox);
    let unprepared = pods.find_map(unprepared);
    unprepared.or_else(|| objects.pods(chatbox).find_map(stuck))
}

/// A pod that is being deleted and is still there.
fn ending(pod: &Pod) -> Option<String> {
    let ends = pod.ends.as_ref()?;
    let node = pod.node.as_deref().unwrap_or("none");
    Some(format!(
        "pod {} on node {node} is stopping, and should have ended by {ends}",
        pod.name
    ))
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
