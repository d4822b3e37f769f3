//! Says how a Chatbox is: the status is computed on every outcome, and written and announced only when it changed.

pub mod patience;
pub mod progress;
pub mod published;
pub mod status;

use crds::ChatboxStatus;
use crds::runtime::FIELD_MANAGER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use serde_json::json;

use crate::children::Family;
use crate::context::Context;
use crate::error::Error;
use crate::outcome::Converged;
use crate::watched::Watched;

pub use progress::{Progress, progress};
pub use published::Published;

/// The API server takes a kilobyte.
const NOTE_BYTES: usize = 1000;

pub async fn publish(
    ctx: &Context,
    watched: &Watched,
    result: &Result<Converged, Error>,
    family: &Family,
) -> Result<(), Error> {
    let before = status::ours(&ctx.published().latest(watched));
    let is_known = before.observed_generation == Some(watched.generation());
    let failures = ctx.backoff.failures(&watched.key());
    if let Err(error) = result
        && !patience::is_told(error, is_known, failures)
    {
        return Ok(());
    }
    let now = Time(jiff::Timestamp::now());
    let after = status::status(&before, watched.generation(), result, family, &now);
    if after == before {
        return Ok(());
    }
    patch(ctx, watched, &after).await?;
    announce(ctx, watched, ready(&before), ready(&after)).await;
    Ok(())
}

async fn patch(ctx: &Context, watched: &Watched, status: &ChatboxStatus) -> Result<(), Error> {
    let key = watched.key();
    let api: Api<Watched> = Api::namespaced(ctx.client.clone(), &key.namespace);
    let body = json!({
        "apiVersion": Watched::api_version(&()),
        "kind": Watched::kind(&()),
        // The uid is a condition: a Chatbox of the same name made meanwhile has a status of its own.
        "metadata": {"name": key.name, "uid": watched.uid()},
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    ctx.metrics.write(&Watched::kind(&()), "apply");
    match api
        .patch_status(&key.name, &params, &Patch::Apply(&body))
        .await
    {
        Ok(written) => {
            ctx.published().remember(&written, status);
            Ok(())
        }
        // It was deleted meanwhile: nobody is left to be told.
        Err(kube::Error::Api(answer)) if answer.is_not_found() || answer.is_conflict() => Ok(()),
        Err(source) => Err(Error::Report(source)),
    }
}

/// An event for each change of the summary. Losing one is no failure.
async fn announce(
    ctx: &Context,
    watched: &Watched,
    before: Option<&Condition>,
    after: Option<&Condition>,
) {
    let summary = |condition: &Condition| (condition.status.clone(), condition.reason.clone());
    let Some(after) = after.filter(|after| before.map(summary) != Some(summary(after))) else {
        return;
    };
    let is_fine = after.status == "True" || status::is_calm(&after.reason);
    tracing::info!(
        chatbox = %watched.key(),
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
        note: Some(status::shorten(&after.message, NOTE_BYTES)),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &watched.object_ref(&())).await {
        tracing::debug!(chatbox = %watched.key(), %error, "event not written");
    }
}

fn ready(status: &ChatboxStatus) -> Option<&Condition> {
    let mut conditions = status.conditions.iter();
    conditions.find(|condition| condition.type_ == crds::status::READY)
}
