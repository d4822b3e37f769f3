//! Shared by the scenarios: the Chatbox, the conditions that they wait for, and the part of the kubelet.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use control_plane::world::World;
use serde_json::{Value, json};

pub(crate) const KINDS: &str =
    "deployments,services,configmaps,serviceaccounts,persistentvolumeclaims,secrets";
pub(crate) const OURS: &str = "--selector=chatbox.dev/name=support";

pub(crate) fn chatbox() -> Value {
    json!({
        "apiVersion": "chatbox.dev/v1alpha1",
        "kind": "Chatbox",
        "metadata": {"name": "support"},
        "spec": {"config": {
            "models": [{"id": "demo", "name": "Demo", "demo": {}}],
            "storage": {"sqlite": {}},
        }},
    })
}

/// With its own keys in two Secrets, and quantities that are not in canonical form.
pub(crate) fn with_secrets() -> Value {
    let mut chatbox = chatbox();
    chatbox["spec"]["config"]["auth"] = json!({"hs256": {"keys": [{"name": "jwt", "key": "k"}]}});
    chatbox["spec"]["config"]["models"][0] = json!({
        "id": "m", "name": "M", "openai": {"model": "m-1", "apiKey": {"name": "llm", "key": "openai"}},
    });
    chatbox["spec"]["resources"] =
        json!({"requests": {"cpu": "1000m"}, "limits": {"memory": "2048Mi"}});
    chatbox
}

pub(crate) fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn secrets(world: &World<'_>) -> Result<()> {
    world.apply(&secret("jwt", &json!({"k": KEY})))?;
    world.apply(&secret("llm", &json!({"openai": "first"})))?;
    Ok(())
}

/// Waits until a condition has this status and reason, and returns its message.
pub(crate) fn wait_for_condition(
    world: &World<'_>,
    type_: &str,
    status: &str,
    reason: &str,
) -> Result<String> {
    world.wait_for(&format!("{type_} is {status} because of {reason}"), || {
        let chatbox = world.get("chatbox", "support")?.context("no Chatbox")?;
        let conditions = chatbox["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions.into_iter().find(|condition| {
            condition["type"] == type_
                && condition["status"] == status
                && condition["reason"] == reason
                && condition["observedGeneration"] == chatbox["metadata"]["generation"]
        });
        Ok(found.map(|condition| condition["message"].as_str().unwrap_or_default().to_owned()))
    })
}

/// Plays the kubelet: a pending pod runs and is ready.
pub(crate) fn run_pods(world: &World<'_>) -> Result<()> {
    let status = json!({"status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}],
    }});
    let patch = format!("--patch={status}");
    world.wait_for("there is a pod to run", || {
        let pods = world.list("pods")?;
        let waiting = pods.iter().find(|pod| pod["status"]["phase"] == "Pending");
        let Some(name) = waiting.and_then(|pod| pod["metadata"]["name"].as_str()) else {
            return Ok(None);
        };
        world.kubectl(&[
            "patch",
            "pod",
            name,
            "--subresource=status",
            "--type=merge",
            &patch,
        ])?;
        Ok(Some(()))
    })
}

pub(crate) fn roll_out(world: &World<'_>) -> Result<()> {
    run_pods(world)?;
    wait_for_condition(world, "Ready", "True", "RolledOut").map(drop)
}

/// The resource version of everything that the operator writes, by kind and name.
pub(crate) fn versions(world: &World<'_>) -> Result<BTreeMap<String, String>> {
    let mut versions = BTreeMap::new();
    for object in world.list(&format!("chatboxes,{KINDS}"))? {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = format!(
            "{} {}",
            text(&object["kind"]),
            text(&object["metadata"]["name"])
        );
        versions.insert(name, text(&object["metadata"]["resourceVersion"]));
    }
    Ok(versions)
}

pub(crate) fn deployment_generation(world: &World<'_>) -> Result<i64> {
    let deployment = world
        .get("deployment", "support-chatbox")?
        .context("no Deployment")?;
    deployment["metadata"]["generation"]
        .as_i64()
        .context("no generation")
}
