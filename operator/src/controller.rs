//! What is watched, and how each change leads back to the Chatboxes that it is about.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, select_all};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::core::Resource;
use kube::runtime::WatchStreamExt;
use kube::runtime::controller::{self, applier};
use kube::runtime::reflector::{self, ObjectRef, store::Writer};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;

use crate::cache::sync::CHATBOXES;
use crate::context::Context;
use crate::error::watch_message;
use crate::guarded::GuardedChatbox;
use crate::kind::Kind;
use crate::namespaced_name::NamespacedName;
use crate::plan::meta;
use crate::reconcile::{error_policy, reconcile};

/// Chatboxes that are looked at at the same time: a slow one delays few others, and the API server is not flooded.
const CONCURRENCY: u16 = 16;

/// Keeps every Chatbox as it should be, until `shutdown`; looks that are under way are finished.
pub async fn run(ctx: Arc<Context>, namespace: String, shutdown: impl Future<Output = ()>) {
    let (reader, writer) = reflector::store();
    let scope = Scope {
        ctx: ctx.clone(),
        namespace,
    };
    let mut triggers = vec![scope.chatboxes(writer), scope.secrets()];
    triggers.extend(Kind::WATCHED.map(|kind| scope.children(kind)));
    let queue = select_all(triggers)
        .take_until(Box::pin(shutdown))
        .map(Ok::<_, Infallible>);
    let look = |watched, ctx| Box::pin(reconcile(watched, ctx));
    let again = |watched: Arc<GuardedChatbox>, error: &_, ctx: Arc<Context>| {
        error_policy(&watched, error, &ctx)
    };
    let config = controller::Config::default().concurrency(CONCURRENCY);
    applier(look, again, ctx, reader, Box::pin(queue), config)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(%error, "look ended");
            }
        })
        .await;
}

type Triggers = BoxStream<'static, ObjectRef<GuardedChatbox>>;

/// What of the cluster is ours to look at.
struct Scope {
    ctx: Arc<Context>,
    /// Empty: every namespace.
    namespace: String,
}

impl Scope {
    fn chatboxes(&self, mut writer: Writer<GuardedChatbox>) -> Triggers {
        let ctx = self.ctx.clone();
        let api = Api::all(self.client()).constrain(&self.namespace);
        events(CHATBOXES, api, watcher::Config::default())
            .flat_map(move |event| {
                writer.apply_watcher_event(&event);
                match &event {
                    Event::Apply(watched) => ctx.cache.statuses().settle(watched),
                    Event::Delete(watched) => {
                        ctx.backoff.forget(&watched.namespaced_name());
                        ctx.cache.statuses().forget(watched.uid());
                    }
                    Event::Init | Event::InitApply(_) | Event::InitDone => {}
                }
                let keys = ctx.cache.references().observe(&event);
                note_list(&ctx, CHATBOXES, &event);
                wake(keys)
            })
            .boxed()
    }

    /// Secrets are watched without their content: a value is read by name, when it is needed. Most are none of our
    /// business, and nothing of them is kept.
    fn secrets(&self) -> Triggers {
        let ctx = self.ctx.clone();
        let api: Api<PartialObjectMeta<Secret>> =
            Api::all(self.client()).constrain(&self.namespace);
        events(Kind::Secret.name(), api, watcher::Config::default())
            .flat_map(move |event| {
                let keys = match &event {
                    Event::Apply(secret) | Event::Delete(secret) => {
                        ctx.cache.references().naming(&NamespacedName {
                            namespace: secret.namespace().unwrap_or_default(),
                            name: secret.name_any(),
                        })
                    }
                    // What happened while the watch was down is not known: everybody looks for himself.
                    Event::InitDone => ctx.cache.references().all(),
                    Event::Init | Event::InitApply(_) => BTreeSet::new(),
                };
                note_list(&ctx, Kind::Secret.name(), &event);
                wake(keys)
            })
            .boxed()
    }

    fn children(&self, kind: Kind) -> Triggers {
        let ctx = self.ctx.clone();
        let all: Api<DynamicObject> = Api::all_with(self.client(), &kind.resource());
        let api = all.constrain(&self.namespace);
        let config = watcher::Config::default().labels(&meta::watched());
        events(kind.name(), api, config)
            .flat_map(move |event| {
                let keys = ctx.cache.owned_objects().observe(kind, &event);
                note_list(&ctx, kind.name(), &event);
                wake(keys)
            })
            .boxed()
    }

    fn client(&self) -> Client {
        self.ctx.client.clone()
    }
}

/// The events of one watch, for ever: a failure is logged, and tried again after a pause.
fn events<K>(
    name: &'static str,
    api: Api<K>,
    config: watcher::Config,
) -> impl futures_util::Stream<Item = Event<K>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher(api, config).default_backoff();
    events.filter_map(move |event| async move {
        event
            .inspect_err(|error| {
                let error = watch_message(error);
                tracing::warn!(watch = name, error, "watch failed; will try again");
            })
            .ok()
    })
}

fn note_list<K>(ctx: &Context, name: &'static str, event: &Event<K>) {
    if matches!(event, Event::InitDone) {
        ctx.cache.sync.mark_synced(name);
    }
}

fn wake(
    keys: BTreeSet<NamespacedName>,
) -> impl futures_util::Stream<Item = ObjectRef<GuardedChatbox>> + Send {
    stream::iter(
        keys.into_iter()
            .map(|key| ObjectRef::new(&key.name).within(&key.namespace)),
    )
}
