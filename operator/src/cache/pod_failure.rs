//! Why a pod does not serve, read from its status.

use k8s_openapi::api::core::v1::{ContainerStatus, PodStatus};
use serde_json::Value;

/// Why a pod does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFailure {
    pub reason: String,
    pub message: String,
}

/// The first thing that keeps a pod from serving and that is worth telling; a normal start is not.
pub(super) fn of(pod: &Value) -> Option<PodFailure> {
    let status: PodStatus = serde_json::from_value(pod["status"].clone()).ok()?;
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

fn waiting(container: &ContainerStatus) -> Option<PodFailure> {
    let last = last_words(container);
    let waiting = container
        .state
        .as_ref()
        .and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|waiting| waiting.reason.clone());
    match reason.as_deref() {
        // Between two attempts the reason is gone for a moment; the end of the last one still tells.
        None | Some("ContainerCreating" | "PodInitializing") => Some(PodFailure {
            reason: "ContainerFailed".to_owned(),
            message: last?,
        }),
        Some(reason) => {
            let said = waiting.and_then(|waiting| waiting.message.clone());
            Some(PodFailure {
                reason: reason.to_owned(),
                message: last.or(said).unwrap_or_default(),
            })
        }
    }
}

/// How the last attempt ended, and what it wrote last.
fn last_words(container: &ContainerStatus) -> Option<String> {
    let ended = |state: &k8s_openapi::api::core::v1::ContainerState| state.terminated.clone();
    let terminated = container
        .state
        .as_ref()
        .and_then(ended)
        .or_else(|| container.last_state.as_ref().and_then(ended))?;
    let reason = terminated.reason.unwrap_or_else(|| "Error".to_owned());
    let outcome = format!("{reason}, exit code {}", terminated.exit_code);
    match terminated.message.as_deref().map(str::trim) {
        None | Some("") => Some(outcome),
        Some(words) => Some(format!("{outcome}: {words}")),
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
