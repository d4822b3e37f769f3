//! A kind whose API a cluster may lack. No Chatbox asks for one yet, so the test brings a table of its own with one row,
//! and runs the watch of the operator on it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chatbox_operator::context::Context;
use chatbox_operator::controller::{Triggers, objects};
use chatbox_operator::kind::{Availability, Definition, Kind, Role, Watch};
use chatbox_operator::metrics::Metrics;
use chatbox_operator::namespaced_name::NamespacedName;
use control_plane::world::World;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::program::client;

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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(scenario(world))
}

async fn scenario(world: &World<'_>) -> Result<()> {
    let metrics = Metrics::new()?;
    let client = client(world).await?;
    let ctx = Arc::new(Context::new(client, String::new(), &[WIDGET], metrics));
    let mut triggers = objects::watch(&ctx, world.namespace(), WIDGET, PERIOD);
    let chatbox = NamespacedName {
        namespace: world.namespace().to_owned(),
        name: "support".to_owned(),
    };
    let count = || ctx.cache.owned_objects().of(&chatbox).iter().count();

    ensure!(ctx.cache.sync.pending() == ["Chatbox", "Widget"]);
    // Absent: the operator becomes ready without it, and knows that it cannot be written.
    let is_known = || !ctx.cache.sync.pending().contains(&"Widget");
    poll_until(&mut triggers, "the API is known to be absent", is_known).await?;
    ensure!(!ctx.cache.sync.is_served(WIDGET), "it is not served yet");

    for _ in ["appears", "appears again"] {
        install(world)?;
        let is_watched = || ctx.cache.sync.is_served(WIDGET) && count() == 1;
        poll_until(&mut triggers, "the widget is cached", is_watched).await?;
        let definition = "crd/widgets.optional.example";
        world.cluster().run(&["delete", definition])?;
        let is_forgotten = || !ctx.cache.sync.is_served(WIDGET) && count() == 0;
        poll_until(&mut triggers, "the widget is forgotten", is_forgotten).await?;
    }
    Ok(())
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
    let widget = json!({
        "apiVersion": "optional.example/v1",
        "kind": "Widget",
        "metadata": {"name": "x", "labels": {"chatbox.dev/name": "support"}},
    });
    // The API server may need a moment after it has said so.
    world.wait_for("a widget is created", || Ok(world.apply(&widget).ok()))?;
    Ok(())
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
