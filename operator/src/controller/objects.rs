//! The watch on the objects of one kind that carry our label.
//!
//! A kind whose API is optional is watched while the cluster serves it, which the discovery API is asked for periodically.
//! That API is open to every account, also in the scope of one namespace, and it knows aggregated APIs too. A watch on the
//! definitions of resources would need a right in the whole cluster and would see only some of the APIs. A kind that every
//! cluster serves costs no such request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crds::runtime::NAME_LABEL;
use futures_util::stream::{self, StreamExt};
use kube::api::{Api, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery;
use kube::runtime::watcher::{self, Event};

use super::watch::WatchFailure;
use super::{Triggers, trigger, watch};
use crate::context::Context;
use crate::kind::{Availability, Kind};
use crate::namespaced_name::NamespacedName;
use crate::stored::Incomplete;

/// How often the discovery API is asked, and how long its answer may take: an API may be there or be gone for twice as
/// long before that is noticed.
pub const DISCOVERY_PERIOD: Duration = Duration::from_secs(30);

/// Triggers the Chatboxes whose objects of this kind change. When the API of an optional kind appears or disappears,
/// every Chatbox is triggered: one may have asked for it.
pub fn watch(ctx: &Arc<Context>, namespace: &str, kind: Kind, period: Duration) -> Triggers {
    match kind.definition().api {
        Availability::Required => served(ctx, namespace, kind),
        Availability::Optional => optional(ctx, namespace, kind, period),
    }
}

/// The watch while the API is served. A right may be missing to list a kind, and of an optional one a conversion too, which
/// no other kind waits for: the Chatboxes are triggered when that begins and when it ends, to report it.
fn served(ctx: &Arc<Context>, namespace: &str, kind: Kind) -> Triggers {
    let ctx = ctx.clone();
    let all: Api<DynamicObject> = Api::all_with(ctx.client.clone(), &kind.resource());
    let config = watcher::Config::default().labels(NAME_LABEL);
    watch::results(kind, all.constrain(namespace), config)
        .flat_map(move |result| trigger(kind, observe(&ctx, kind, result)))
        .boxed()
}

fn observe(
    ctx: &Context,
    kind: Kind,
    result: Result<Event<DynamicObject>, WatchFailure>,
) -> Result<BTreeSet<NamespacedName>, Incomplete> {
    // What else may go wrong with a list of the core APIs passes, and is waited for.
    let holds_nothing_up = |failure: &WatchFailure| {
        failure.is_forbidden || kind.definition().api == Availability::Optional
    };
    let event = match result {
        Ok(event) => event,
        Err(failure)
            if holds_nothing_up(&failure) && ctx.cache.sync.mark_failed(kind, &failure.reason) =>
        {
            return Ok(ctx.cache.references().chatboxes());
        }
        Err(_) => return Ok(BTreeSet::new()),
    };
    let mut triggered = ctx.cache.owned_objects().observe(kind, &event)?;
    if matches!(event, Event::InitDone) && ctx.cache.sync.mark_synced(kind) {
        triggered.extend(ctx.cache.references().chatboxes());
    }
    Ok(triggered)
}

fn optional(ctx: &Arc<Context>, namespace: &str, kind: Kind, period: Duration) -> Triggers {
    let (ctx, namespace) = (ctx.clone(), namespace.to_owned());
    stream::repeat(())
        .then(move |()| {
            let ctx = ctx.clone();
            async move {
                until(&ctx, kind, true, period).await;
                ctx
            }
        })
        .flat_map(move |ctx| {
            let watched = ctx.clone();
            let gone = async move { until(&watched, kind, false, period).await };
            let appeared = ctx.cache.references().chatboxes();
            let events = served(&ctx, &namespace, kind).take_until(Box::pin(gone));
            let disappeared = stream::once(async move {
                let mut triggered = ctx.cache.owned_objects().clear(kind);
                triggered.extend(ctx.cache.references().chatboxes());
                trigger(kind, Ok(triggered))
            });
            trigger(kind, Ok(appeared))
                .chain(events)
                .chain(disappeared.flatten())
        })
        .boxed()
}

/// Returns when the API of a kind is served, or is no longer. An API that does not answer counts as absent when it has
/// not been seen, and as present when it has: an outage takes nothing away.
async fn until(ctx: &Context, kind: Kind, expected: bool, period: Duration) {
    loop {
        match tokio::time::timeout(period, is_served(ctx, kind)).await {
            Ok(Ok(served)) if served == expected => break,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%kind, %error, "discovery failed; will retry"),
            Err(_) => tracing::debug!(%kind, ?period, "discovery did not answer; will retry"),
        }
        if expected {
            ctx.cache.sync.mark_not_served(kind);
        }
        tokio::time::sleep(period).await;
    }
    if expected {
        ctx.cache.sync.mark_served(kind);
    } else {
        ctx.cache.sync.mark_not_served(kind);
    }
    tracing::info!(%kind, served = expected, "optional API");
}

async fn is_served(ctx: &Context, kind: Kind) -> kube::Result<bool> {
    let definition = kind.definition();
    let (group, version) = (definition.group, definition.version);
    let gvk = GroupVersionKind::gvk(group, version, definition.name);
    match discovery::pinned_kind(&ctx.client, &gvk).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Discovery(_)) => Ok(false),
        // Not `is_not_found`: for a group that is absent the API server answers in plain text, without a reason.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}
