//! Reports the state of a Chatbox: the status is computed on every result, and is written and announced only when it
//! changed.

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

use crate::context::Context;
use crate::error::{self, Error};
use crate::guarded::GuardedChatbox;
use crate::kind::Kind;
use crate::stored::Stored;
use crate::text;

pub use conditions::{Converged, Facts};
pub use progress::{Progress, progress};

/// The conditions whose changes are announced by events.
const ANNOUNCED: [&str; 3] = [
    crds::status::READY,
    crds::status::DELETION_POLICY_APPLIED,
    crds::status::VOLUME_AS_SPECIFIED,
];
/// The limit of the API server for the note of an event.
const NOTE_BYTES: usize = 1000;

/// The status that was written last: the watch may be slower than the next reconcile.
pub fn last(ctx: &Context, chatbox: &GuardedChatbox, stored: &Stored) -> ChatboxStatus {
    let newer = ctx.cache.statuses().newer_than(stored).cloned();
    newer.unwrap_or_else(|| chatbox.status.clone())
}

pub async fn update_status(
    ctx: &Context,
    chatbox: &GuardedChatbox,
    stored: &Stored,
    facts: &Facts<'_>,
) -> Result<(), Error> {
    let before = conditions::ours(&last(ctx, chatbox, stored));
    let is_reported = before.observed_generation == facts.generation;
    let failures = ctx.backoff.failures(&stored.namespaced_name);
    let mut errors = facts
        .result
        .as_ref()
        .err()
        .into_iter()
        .chain(facts.unsettled)
        .chain(facts.claim)
        .peekable();
    if errors.peek().is_some()
        && !errors.any(|error| failure_threshold::is_reached(error, is_reported, failures))
    {
        return Ok(());
    }
    let now = Time(jiff::Timestamp::now());
    let after = conditions::status(stored, &before, facts, &now);
    if after == before {
        return Ok(());
    }
    patch(ctx, stored, &after).await?;
    for type_ in ANNOUNCED {
        publish_event(ctx, chatbox, find(&before, type_), find(&after, type_)).await;
    }
    Ok(())
}

async fn patch(ctx: &Context, chatbox: &Stored, status: &ChatboxStatus) -> Result<(), Error> {
    let key = &chatbox.namespaced_name;
    let api: Api<GuardedChatbox> = Api::namespaced(ctx.client.clone(), &key.namespace);
    let body = json!({
        "apiVersion": GuardedChatbox::api_version(&()),
        "kind": GuardedChatbox::kind(&()),
        // The uid is a precondition: a new Chatbox of the same name has a status of its own.
        "metadata": {"name": key.name, "uid": chatbox.uid},
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    ctx.metrics.write(Kind::CHATBOX, "apply");
    match api
        .patch_status(&key.name, &params, &Patch::Apply(&body))
        .await
    {
        Ok(written) => {
            let written = written.stored()?;
            ctx.cache.statuses().remember(&written, status.clone());
            Ok(())
        }
        // It was deleted meanwhile.
        Err(kube::Error::Api(answer)) if answer.is_not_found() || answer.is_conflict() => Ok(()),
        Err(source) => Err(Error::Status(source)),
    }
}

/// An event for each change of a condition or of its reason. Losing one is no failure.
async fn publish_event(
    ctx: &Context,
    chatbox: &GuardedChatbox,
    before: Option<&Condition>,
    after: Option<&Condition>,
) {
    let summary = |condition: &Condition| (condition.status.clone(), condition.reason.clone());
    let Some(after) = after.filter(|after| before.map(summary) != Some(summary(after))) else {
        return;
    };
    if before.is_none() && after.status == "True" && after.type_ != crds::status::READY {
        // What has been so from the beginning is no news.
        return;
    }
    let is_normal = after.status == "True" || conditions::is_normal(&after.reason);
    let key = chatbox.namespaced_name();
    tracing::info!(
        chatbox = %key,
        condition = after.type_,
        status = after.status,
        reason = after.reason,
        message = after.message,
        "status changed"
    );
    let event = Event {
        type_: if is_normal {
            EventType::Normal
        } else {
            EventType::Warning
        },
        reason: after.reason.clone(),
        note: Some(text::shorten(&after.message, NOTE_BYTES)),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = ctx.recorder.publish(&event, &chatbox.object_ref(&())).await {
        tracing::debug!(chatbox = %key, %error, "event not written");
        if error::is_namespace_terminating(&error) {
            // Often the first write that is rejected for that: pods are gone before there is anything to repair.
            ctx.cache.mark_namespace_terminating(&key.namespace);
        }
    }
}

fn find<'a>(status: &'a ChatboxStatus, type_: &str) -> Option<&'a Condition> {
    let mut conditions = status.conditions.iter();
    conditions.find(|condition| condition.type_ == type_)
}
