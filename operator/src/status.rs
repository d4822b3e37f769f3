//! Says how a Chatbox is: the status is computed on every outcome, and written and announced only when it changed.

pub mod conditions;
pub mod failure_threshold;
pub mod progress;

use crds::ChatboxStatus;
use crds::runtime::FIELD_MANAGER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use serde_json::json;

use crate::cache::OwnedObjects;
use crate::context::Context;
use crate::error::Error;
use crate::guarded::GuardedChatbox;

pub use progress::{Progress, progress};

/// What a reconcile came to when nothing was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converged {
    /// Address of the chat page inside the cluster.
    pub url: String,
    /// Label selector of the pods.
    pub selector: String,
    /// How many objects a paused Chatbox holds back from change; none when it is not paused.
    pub pending: Option<usize>,
}

/// The API server takes a kilobyte.
const NOTE_BYTES: usize = 1000;

pub async fn update_status(
    ctx: &Context,
    watched: &GuardedChatbox,
    result: &Result<Converged, Error>,
    objects: &OwnedObjects,
) -> Result<(), Error> {
    let before = conditions::ours(&ctx.cache.statuses().latest(watched));
    let is_known = before.observed_generation == Some(watched.generation());
    let failures = ctx.backoff.failures(&watched.namespaced_name());
    if let Err(error) = result
        && !failure_threshold::is_reported(error, is_known, failures)
    {
        return Ok(());
    }
    let now = Time(jiff::Timestamp::now());
    let after = conditions::status(&before, watched.generation(), result, objects, &now);
    if after == before {
        return Ok(());
    }
    patch(ctx, watched, &after).await?;
    announce(ctx, watched, ready(&before), ready(&after)).await;
    Ok(())
}

async fn patch(
    ctx: &Context,
    watched: &GuardedChatbox,
    status: &ChatboxStatus,
) -> Result<(), Error> {
    let key = watched.namespaced_name();
    let api: Api<GuardedChatbox> = Api::namespaced(ctx.client.clone(), &key.namespace);
    let body = json!({
        "apiVersion": GuardedChatbox::api_version(&()),
        "kind": GuardedChatbox::kind(&()),
        // The uid is a condition: a Chatbox of the same name made meanwhile has a status of its own.
        "metadata": {"name": key.name, "uid": watched.uid()},
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    ctx.metrics.write(&GuardedChatbox::kind(&()), "apply");
    match api
        .patch_status(&key.name, &params, &Patch::Apply(&body))
        .await
    {
        Ok(written) => {
            ctx.cache.statuses().remember(&written, status);
            Ok(())
        }
        // It was deleted meanwhile: nobody is left to be told.
        Err(kube::Error::Api(answer)) if answer.is_not_found() || answer.is_conflict() => Ok(()),
        Err(source) => Err(Error::Status(source)),
    }
}

/// An event for each change of the summary. Losing one is no failure.
async fn announce(
    ctx: &Context,
    watched: &GuardedChatbox,
    before: Option<&Condition>,
    after: Option<&Condition>,
) {
    let summary = |condition: &Condition| (condition.status.clone(), condition.reason.clone());
    let Some(after) = after.filter(|after| before.map(summary) != Some(summary(after))) else {
        return;
    };
    let is_fine = after.status == "True" || conditions::is_expected(&after.reason);
    tracing::info!(
        chatbox = %watched.namespaced_name(),
        ready = after.status,
        reason = after.reason,
        message = after.message,
        "changed"
    );
    let event = Event {
        type_: if is_fine {
            EventType::Normal
        } else {
            EventType::Warning
        },
        reason: after.reason.clone(),
        note: Some(conditions::shorten(&after.message, NOTE_BYTES)),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &watched.object_ref(&())).await {
        tracing::debug!(chatbox = %watched.namespaced_name(), %error, "event not written");
    }
}

fn ready(status: &ChatboxStatus) -> Option<&Condition> {
    let mut conditions = status.conditions.iter();
    conditions.find(|condition| condition.type_ == crds::status::READY)
}
