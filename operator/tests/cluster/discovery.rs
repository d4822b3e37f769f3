//! A kind whose API a cluster may lack. No Chatbox asks for one yet, so the test brings a table of its own with one row,
//! and runs the watch of the operator on it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chatbox_operator::cache::sync::Unavailable;
use chatbox_operator::context::Context;
use chatbox_operator::controller::{Triggers, objects};
use chatbox_operator::kind::{Availability, Definition, Kind, Role, Watch};
use chatbox_operator::metrics::Metrics;
use chatbox_operator::namespaced_name::NamespacedName;
use control_plane::world::World;
use futures_util::StreamExt;
use kube::Client;
use serde_json::{Value, json};

use crate::program::{block_on, client, client_as};

const WIDGET: Kind = Kind::new(&Definition {
    group: "optional.example",
    version: "v1",
    name: "Widget",
    plural: "widgets",
    role: Role::Managed,
    watch: Watch::Labelled,
    api: Availability::Optional,
});
const PERIOD: Duration = Duration::from_millis(100);
/// Longer than anything here takes.
const TIMEOUT: Duration = Duration::from_mins(1);

pub(crate) fn an_optional_api_is_watched_while_it_is_served(world: &World<'_>) -> Result<()> {
    block_on(async {
        served_and_watched(world, client(world).await?).await?;
        listed_without_a_right(world).await
    })
}

async fn served_and_watched(world: &World<'_>, client: Client) -> Result<()> {
    let ctx = context(client)?;
    let mut triggers = objects::watch(&ctx, world.namespace(), WIDGET, PERIOD);
    let count = || count(&ctx, world);

    ensure!(ctx.cache.sync.pending() == [Kind::CHATBOX, WIDGET]);
    // Absent: the operator becomes ready without it, and knows that it cannot be written.
    let is_known = || !ctx.cache.sync.pending().contains(&WIDGET);
    poll_until(&mut triggers, "the API is known to be absent", is_known).await?;
    ensure!(!is_served(&ctx), "it is not served yet");

    for _ in ["appears", "appears again"] {
        install(world)?;
        let is_watched = || is_served(&ctx) && count() == 1;
        poll_until(&mut triggers, "the widget is cached", is_watched).await?;
        world.apply(&widget("y"))?;
        let is_seen = || count() == 2;
        poll_until(&mut triggers, "a later widget is cached", is_seen).await?;
        let definition = "crd/widgets.optional.example";
        world.cluster().run(&["delete", definition])?;
        let is_forgotten = || !is_served(&ctx) && count() == 0;
        poll_until(&mut triggers, "the widget is forgotten", is_forgotten).await?;
    }
    Ok(())
}

/// The API is there, and the account may not list it: that holds nothing up, is reported, and is tried again.
async fn listed_without_a_right(world: &World<'_>) -> Result<()> {
    install(world)?;
    let account = format!("system:serviceaccount:{}:nobody", world.namespace());
    let ctx = context(client_as(world, Some(&account)).await?)?;
    let mut triggers = objects::watch(&ctx, world.namespace(), WIDGET, PERIOD);
    let has_failed = || {
        let unavailable = ctx.cache.sync.unavailable(WIDGET);
        matches!(unavailable, Some(Unavailable::Failed(reason)) if reason.contains("forbidden"))
    };
    poll_until(&mut triggers, "the list is refused", has_failed).await?;
    ensure!(ctx.cache.sync.pending() == [Kind::CHATBOX], "it holds up");
    let grant = [
        "create",
        "rolebinding",
        "nobody",
        "--clusterrole=cluster-admin",
    ];
    let to = format!("--serviceaccount={}:nobody", world.namespace());
    world.kubectl(&[&grant[..], &[&to]].concat())?;
    let is_watched = || is_served(&ctx) && count(&ctx, world) > 0;
    poll_until(&mut triggers, "it is listed in the end", is_watched).await?;
    let definition = "crd/widgets.optional.example";
    world.cluster().run(&["delete", definition])?;
    Ok(())
}

fn context(client: Client) -> Result<Arc<Context>> {
    let metrics = Metrics::new()?;
    Ok(Arc::new(Context::new(
        client,
        String::new(),
        &[WIDGET],
        metrics,
    )))
}

/// How many widgets of the Chatbox are cached.
fn count(ctx: &Context, world: &World<'_>) -> usize {
    let chatbox = NamespacedName {
        namespace: world.namespace().to_owned(),
        name: "support".to_owned(),
    };
    ctx.cache.owned_objects().of(&chatbox).iter().count()
}

fn is_served(ctx: &Context) -> bool {
    ctx.cache.sync.unavailable(WIDGET).is_none()
}

/// Takes what the watch triggers until something is true.
async fn poll_until(
    triggers: &mut Triggers,
    what: &str,
    condition: impl Fn() -> bool,
) -> Result<()> {
    let wait = async {
        while !condition() {
            // The stream makes progress only while it is polled.
            if let Ok(next) = tokio::time::timeout(PERIOD, triggers.next()).await {
                ensure!(next.context("the watch has ended")?.name == "support");
            }
        }
        Ok(())
    };
    let result = tokio::time::timeout(TIMEOUT, wait).await;
    result.with_context(|| format!("{what}: not within {TIMEOUT:?}"))?
}

fn install(world: &World<'_>) -> Result<()> {
    world
        .cluster()
        .feed(&["apply", "--filename=-"], &definition().to_string())?;
    let established = [
        "wait",
        "--for=condition=Established",
        "crd/widgets.optional.example",
    ];
    world.cluster().run(&established)?;
    // The API server may need a moment after it has said so.
    world.wait_for("a widget is created", || Ok(world.apply(&widget("x")).ok()))?;
    Ok(())
}

fn widget(name: &str) -> Value {
    json!({
        "apiVersion": "optional.example/v1",
        "kind": "Widget",
        "metadata": {"name": name, "labels": {"chatbox.dev/name": "support"}},
    })
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.optional.example"},
        "spec": {
            "group": "optional.example",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    })
}
