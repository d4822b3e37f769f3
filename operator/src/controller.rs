//! The watches, and the Chatboxes that each event triggers.

pub mod objects;
pub mod watch;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Stream, StreamExt, select_all};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::runtime::controller::{self, applier};
use kube::runtime::reflector::{self, ObjectRef, store::Writer};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::guarded::GuardedChatbox;
use crate::kind::{Kind, Watch};
use crate::namespaced_name::NamespacedName;
use crate::reconcile::{error_policy, reconcile};
use crate::stored::{Incomplete, Stored};

/// Reconciles at the same time: a slow one delays few others, and the API server is not flooded.
const CONCURRENCY: u16 = 16;

/// The changes that follow one another after a write, or while pods start, share one reconcile.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Chatboxes to reconcile.
pub type Triggers = BoxStream<'static, ObjectRef<GuardedChatbox>>;

/// Reconciles Chatboxes until `stop`; reconciles that are under way are finished.
pub async fn run(ctx: Arc<Context>, namespace: String, stop: CancellationToken) {
    let (reader, writer) = reflector::store();
    let mut triggers = vec![
        chatboxes(&ctx, &namespace, writer),
        secrets(&ctx, &namespace),
    ];
    let kinds = Kind::ALL.into_iter();
    let labelled = kinds.filter(|kind| kind.definition().watch == Watch::Labelled);
    triggers.extend(
        labelled.map(|kind| objects::watch(&ctx, &namespace, kind, objects::DISCOVERY_PERIOD)),
    );
    let queue = select_all(triggers)
        .take_until(Box::pin(stop.clone().cancelled_owned()))
        .map(Ok::<_, Infallible>);
    let reconcile = |chatbox, ctx| Box::pin(reconcile(chatbox, ctx));
    let error_policy = |chatbox: Arc<GuardedChatbox>, error: &_, ctx: Arc<Context>| {
        error_policy(&chatbox, error, &ctx)
    };
    let config = controller::Config::default()
        .concurrency(CONCURRENCY)
        .debounce(DEBOUNCE);
    let reconciles = applier(
        reconcile,
        error_policy,
        ctx.clone(),
        reader,
        Box::pin(queue),
        config,
    )
    .for_each(|result| async move {
        if let Err(error) = result {
            tracing::debug!(%error, "reconcile ended");
        }
    });
    tokio::select! {
        () = reconciles => {}
        () = stopped_before_sync(&ctx, &stop) => {}
    }
}

/// Returns when it is stopped before every watch has synced, and never otherwise. From then on no watch is polled, so a
/// reconcile that has started would wait for the others for ever; none has read or written anything.
async fn stopped_before_sync(ctx: &Context, stop: &CancellationToken) {
    stop.cancelled().await;
    if ctx.cache.sync.pending().is_empty() {
        future::pending::<()>().await;
    }
}

fn chatboxes(ctx: &Arc<Context>, namespace: &str, mut writer: Writer<GuardedChatbox>) -> Triggers {
    let ctx = ctx.clone();
    let api = Api::all(ctx.client.clone()).constrain(namespace);
    watch::events(Kind::CHATBOX, api, watcher::Config::default())
        .flat_map(move |event| {
            writer.apply_watcher_event(&event);
            let triggered = observe_chatbox(&ctx, &event);
            note_list(&ctx, Kind::CHATBOX, &event);
            trigger(Kind::CHATBOX, triggered)
        })
        .boxed()
}

fn observe_chatbox(
    ctx: &Context,
    event: &Event<GuardedChatbox>,
) -> Result<BTreeSet<NamespacedName>, Incomplete> {
    match event {
        Event::Apply(chatbox) => ctx.cache.statuses().observe(&chatbox.stored()?),
        Event::Delete(chatbox) => {
            let chatbox = chatbox.stored()?;
            ctx.backoff.forget(&chatbox.namespaced_name);
            ctx.cache.statuses().forget(&chatbox);
            ctx.cache.answers().forget(&chatbox);
            ctx.cache.namespaces().forget(&chatbox);
        }
        // A list is the truth, even if it is older than our last write.
        Event::InitApply(chatbox) => ctx.cache.statuses().forget(&chatbox.stored()?),
        Event::InitDone => ctx.cache.namespaces().clear(),
        Event::Init => {}
    }
    let triggered = ctx.cache.references().observe_chatbox(event);
    if matches!(event, Event::InitDone) {
        // No event has told of those that were deleted while nothing was watched.
        let (chatboxes, uids) = {
            let references = ctx.cache.references();
            (references.chatboxes(), references.uids())
        };
        ctx.backoff.retain(&chatboxes);
        ctx.cache.statuses().retain(&uids);
        ctx.cache.answers().retain(&uids);
    }
    Ok(triggered)
}

/// Secrets are watched without their content: a value is read by name, when it is needed.
fn secrets(ctx: &Arc<Context>, namespace: &str) -> Triggers {
    let ctx = ctx.clone();
    let kind = Kind::SECRET;
    let all: Api<PartialObjectMeta<Secret>> = Api::all(ctx.client.clone());
    watch::events(kind, all.constrain(namespace), watcher::Config::default())
        .flat_map(move |event| {
            let triggered = observe_secret(&ctx, &event);
            note_list(&ctx, kind, &event);
            trigger(kind, triggered)
        })
        .boxed()
}

/// Of those that a Chatbox references, the version is kept; of those with our label or one of our owners, a record.
fn observe_secret(
    ctx: &Context,
    event: &Event<PartialObjectMeta<Secret>>,
) -> Result<BTreeSet<NamespacedName>, Incomplete> {
    let kind = Kind::SECRET;
    let stored = watch::try_map(event, |secret| Stored::new(kind.name(), &secret.metadata))?;
    let mut triggered = ctx.cache.references().observe_secret(&stored);
    let object = watch::try_map(event, |secret| {
        Ok::<_, Incomplete>(DynamicObject {
            types: None,
            metadata: secret.metadata.clone(),
            data: Value::Null,
        })
    })?;
    triggered.extend(ctx.cache.owned_objects().observe(kind, &object)?);
    Ok(triggered)
}

fn note_list<K>(ctx: &Context, kind: Kind, event: &Event<K>) {
    if matches!(event, Event::InitDone) {
        ctx.cache.sync.mark_synced(kind);
    }
}

/// The Chatboxes of an event. One that cannot have come from an API server is logged and dropped.
fn trigger(
    kind: Kind,
    chatboxes: Result<BTreeSet<NamespacedName>, Incomplete>,
) -> impl Stream<Item = ObjectRef<GuardedChatbox>> + Send + use<> {
    let chatboxes = chatboxes.unwrap_or_else(|error| {
        tracing::error!(watch = %kind, %error, "event dropped");
        BTreeSet::new()
    });
    stream::iter(
        chatboxes
            .into_iter()
            .map(|key| ObjectRef::new(&key.name).within(&key.namespace)),
    )
}

#[cfg(test)]
mod tests;
