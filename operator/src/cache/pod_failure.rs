//! Why a pod is not ready, read from its status. Pure.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, PodStatus};
use serde::Deserialize;
use serde_json::Value;

use crate::text;

/// Bytes of the end of a log: a status and an event have room for them, with what stands around them.
const LOG_BYTES: usize = 800;

/// Why a pod is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFailure {
    pub reason: String,
    pub message: String,
}

/// The first problem of a pod that is worth reporting; a normal start is not.
pub(super) fn of(status: &Value) -> Option<PodFailure> {
    let status = match Option::<PodStatus>::deserialize(status) {
        Ok(status) => status?,
        Err(error) => {
            return Some(PodFailure {
                reason: "StatusUnreadable".to_owned(),
                message: error.to_string(),
            });
        }
    };
    let containers = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    containers
        .filter(|container| !container.ready)
        .find_map(waiting)
        .or_else(|| unschedulable(&status))
        .or_else(|| failed(&status))
}

/// Whether it has a node and no container of it has run yet: its volumes and its network are being set up.
pub(super) fn is_being_set_up(status: &Value) -> bool {
    let containers = ["initContainerStatuses", "containerStatuses"];
    let containers = containers.iter().filter_map(|list| status[list].as_array());
    let mut reasons = containers
        .flatten()
        .map(|container| &container["state"]["waiting"]["reason"]);
    status["phase"] == "Pending" && reasons.any(|reason| reason == "ContainerCreating")
}

fn waiting(container: &ContainerStatus) -> Option<PodFailure> {
    let last = last_termination(container);
    let state = container.state.as_ref();
    let waiting = state.and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|waiting| waiting.reason.clone());
    match reason.as_deref() {
        // Between two attempts the reason is absent for a moment; the last termination is still known.
        None | Some("ContainerCreating" | "PodInitializing") => Some(PodFailure {
            reason: "ContainerFailed".to_owned(),
            message: last?,
        }),
        Some(reason) => {
            let message = waiting.and_then(|waiting| waiting.message.clone());
            // Of a crash loop the end of the last attempt is the cause. Of any other reason it is only what was before.
            let message = if reason == "CrashLoopBackOff" {
                last.or(message)
            } else {
                message.or(last)
            };
            Some(PodFailure {
                reason: reason.to_owned(),
                message: message.unwrap_or_default(),
            })
        }
    }
}

/// How the last attempt ended, with the end of its log.
fn last_termination(container: &ContainerStatus) -> Option<String> {
    let terminated = |state: &ContainerState| state.terminated.clone();
    let state = container.state.as_ref().and_then(terminated);
    let last = || container.last_state.as_ref().and_then(terminated);
    let terminated = state.or_else(last)?;
    let reason = terminated.reason.unwrap_or_else(|| "Error".to_owned());
    let end = format!("{reason}, exit code {}", terminated.exit_code);
    match terminated.message.as_deref().map(str::trim) {
        None | Some("") => Some(end),
        Some(message) => Some(format!("{end}: {}", text::keep_end(message, LOG_BYTES))),
    }
}

fn unschedulable(status: &PodStatus) -> Option<PodFailure> {
    let mut conditions = status.conditions.iter().flatten();
    let condition = conditions
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(PodFailure {
        reason: condition.reason.clone()?,
        message: condition.message.clone().unwrap_or_default(),
    })
}

fn failed(status: &PodStatus) -> Option<PodFailure> {
    (status.phase.as_deref() == Some("Failed")).then(|| PodFailure {
        reason: status
            .reason
            .clone()
            .unwrap_or_else(|| "PodFailed".to_owned()),
        message: status.message.clone().unwrap_or_default(),
    })
}
