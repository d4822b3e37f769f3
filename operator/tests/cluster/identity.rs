//! Which objects are a Chatbox's own, and which only look like it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::Operator;
use crate::support::{chatbox, roll_out, run_pods, wait_for_condition};

/// A release `support` of a Helm chart `chatbox`, in the namespace of a Chatbox `support`: the same recommended labels.
pub(crate) fn a_helm_release_of_the_same_name_is_another(world: &World<'_>) -> Result<()> {
    let labels = json!({
        "app.kubernetes.io/name": "chatbox",
        "app.kubernetes.io/instance": "support",
        "app.kubernetes.io/managed-by": "Helm",
    });
    let selector =
        json!({"app.kubernetes.io/name": "chatbox", "app.kubernetes.io/instance": "support"});
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "helm", "labels": labels},
        "spec": {"selector": selector, "ports": [{"port": 80}]},
    }))?;
    world.apply(&json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "helm", "labels": labels},
        "spec": {
            "selector": {"matchLabels": selector},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "chatbox", "image": "registry.example/helm:1"}]},
            },
        },
    }))?;
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "helm", "labels": labels},
    }))?;
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    world.wait_for("there are two pods", || {
        Ok((world.list("pods")?.len() == 2).then_some(()))
    })?;
    run_pods(world)?;
    run_pods(world)?;
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    for (service, image) in [
        ("helm", "registry.example/helm:1"),
        ("support-chatbox", crate::program::IMAGE),
    ] {
        let images = selected_images(world, service)?;
        ensure!(images == [image], "{service} selects {images:?}");
    }
    let status = world.get("chatbox", "support")?.context("no Chatbox")?["status"].clone();
    ensure!(status["replicas"] == 1, "{status}");
    ensure!(world.get("configmap", "helm")?.is_some(), "it was pruned");
    Ok(())
}

/// Under the policy `Retain` nothing has a label by which another tool may take an object for its own and prune it.
pub(crate) fn retained_objects_have_our_label_alone(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    let names = [
        "persistentvolumeclaim/support-chatbox-data",
        "secret/support-chatbox-keys",
    ];
    let _operator = Operator::start(world)?;
    for (policy, expected) in [("Retain", 1), ("Delete", 4), ("Retain", 1)] {
        chatbox["spec"]["deletionPolicy"] = json!(policy);
        world.apply(&chatbox)?;
        for name in names {
            world.wait_for(&format!("{policy}: {name} has {expected} labels"), || {
                let (kind, name) = name.split_once('/').context("no kind")?;
                let object = world.get(kind, name)?.context("it does not exist")?;
                let labels = object["metadata"]["labels"].as_object();
                let labels = labels.context("no labels")?;
                ensure!(labels["chatbox.dev/name"] == "support", "{labels:?}");
                let is_owned = object["metadata"]["ownerReferences"].is_array();
                let is_done = labels.len() == expected && is_owned == (policy == "Delete");
                Ok(is_done.then_some(()))
            })?;
        }
    }
    Ok(())
}

/// Of every kind: what an older release has applied is deleted, and a copy that somebody made of it is not.
pub(crate) fn only_our_stale_objects_are_pruned(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    drop(operator);
    let owner = world
        .get("configmaps", &config_map(world)?)?
        .context("no config")?["metadata"]["ownerReferences"]
        .clone();
    for (manager, name) in [("chatbox-operator", "old"), ("kubectl", "copy")] {
        for object in stale(name, &owner) {
            let manager = format!("--field-manager={manager}");
            world.cluster().feed(
                &[
                    "--namespace",
                    world.namespace(),
                    "apply",
                    "--server-side",
                    &manager,
                    "--filename=-",
                ],
                &object.to_string(),
            )?;
        }
    }
    let _operator = Operator::start(world)?;
    world.wait_for("only the copies are left", || {
        let mut names = BTreeSet::new();
        for object in world.list("configmaps,services,serviceaccounts,deployments")? {
            let name = object["metadata"]["name"].as_str().context("no name")?;
            if ["old", "copy"].contains(&name) {
                names.insert((name.to_owned(), object["kind"].to_string()));
            }
        }
        ensure!(
            names.iter().filter(|(name, _)| name == "copy").count() == 4,
            "a copy was deleted: {names:?}"
        );
        Ok((names.len() == 4).then_some(()))
    })
}

/// An object of each kind that the plan does not contain.
fn stale(name: &str, owner: &Value) -> [Value; 4] {
    let metadata = json!({
        "name": name, "labels": {"chatbox.dev/name": "support"}, "ownerReferences": owner,
    });
    let pod = json!({
        "metadata": {"labels": {"stale": name}},
        "spec": {"containers": [{"name": "x", "image": "x"}]},
    });
    [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {"replicas": 0, "selector": {"matchLabels": {"stale": name}}, "template": pod},
        }),
    ]
}

fn config_map(world: &World<'_>) -> Result<String> {
    let path = "--output=jsonpath={.items[0].metadata.name}";
    world.kubectl(&["get", "configmaps", crate::support::OURS, path])
}

/// Images of the pods that a Service selects.
fn selected_images(world: &World<'_>, service: &str) -> Result<Vec<String>> {
    let service = world.get("service", service)?.context("no Service")?;
    let selector = service["spec"]["selector"].as_object();
    let pairs = selector.context("no selector")?.iter();
    let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let selector = format!("--selector={}", pairs.collect::<Vec<_>>().join(","));
    let path = "--output=jsonpath={.items[*].spec.containers[*].image}";
    let images = world.kubectl(&["get", "pods", &selector, path])?;
    Ok(images.split_whitespace().map(str::to_owned).collect())
}
