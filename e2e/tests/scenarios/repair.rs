//! Somebody deletes or edits what is not theirs, and in the end the Chatbox itself.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use control_plane::world::World;
use serde_json::Value;

use super::chat::{self, APP, NAME, demo, uid};

const KINDS: [&str; 6] = [
    "deployment",
    "service",
    "configmap",
    "serviceaccount",
    "secret",
    "pod",
];

/// Each child comes back when it is deleted, and an edit of it is undone. How long it took is printed.
pub(crate) fn a_deleted_child_comes_back(world: &World<'_>) -> Result<()> {
    world.apply(&demo())?;
    chat::page(world, NAME)?;
    for kind in [
        "deployment",
        "service",
        "serviceaccount",
        "configmap",
        "secret",
    ] {
        let child = child(world, kind)?.context(kind)?;
        let (name, before) = (
            child["metadata"]["name"]
                .as_str()
                .context("a name")?
                .to_owned(),
            uid(&child)?,
        );
        world.kubectl(&["delete", kind, &name, "--wait=false"])?;
        let deleted = Instant::now();
        world.wait_for(&format!("{kind} {name}"), || {
            Ok(world
                .get(kind, &name)?
                .filter(|child| uid(child).is_ok_and(|uid| uid != before)))
        })?;
        eprintln!("{kind} was back after {} ms", deleted.elapsed().as_millis());
        chat::ready(world)?;
    }
    world.kubectl(&["scale", "deployment", APP, "--replicas=0"])?;
    let edited = Instant::now();
    world.wait_for("the edit undone", || {
        let deployment = world
            .get("deployment", APP)?
            .context("the Deployment exists")?;
        Ok((deployment["spec"]["replicas"] == 1).then_some(()))
    })?;
    eprintln!(
        "an edit was undone after {} ms",
        edited.elapsed().as_millis()
    );
    chat::ready(world)
}

/// Deleting the Chatbox takes everything with it, if its policy says so.
pub(crate) fn a_deleted_chatbox_leaves_nothing(world: &World<'_>) -> Result<()> {
    world.apply(&demo())?;
    chat::page(world, NAME)?;
    for kind in KINDS {
        ensure!(child(world, kind)?.is_some(), "there is no {kind}");
    }
    world.kubectl(&["delete", "chatbox", NAME])?;
    for kind in KINDS {
        world.wait_for(&format!("no {kind}"), || {
            Ok(child(world, kind)?.is_none().then_some(()))
        })?;
    }
    Ok(())
}

/// The object of a kind that belongs to the Chatbox.
fn child(world: &World<'_>, kind: &str) -> Result<Option<Value>> {
    let is_ours = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        name.starts_with(APP) && object["metadata"]["deletionTimestamp"].is_null()
    };
    Ok(world.list(kind)?.into_iter().find(is_ours))
}
