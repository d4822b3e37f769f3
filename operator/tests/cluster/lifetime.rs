//! The owner of an object, and how long it lives.

use anyhow::{Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::Operator;
use crate::support::{KINDS, OURS, chatbox, roll_out, wait_for_condition};

pub(crate) fn others_keep_what_is_theirs(world: &World<'_>) -> Result<()> {
    world.kubectl(&[
        "create",
        "service",
        "clusterip",
        "support-chatbox",
        "--tcp=7",
    ])?;
    let theirs = world.get("service", "support-chatbox")?;
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    let message = wait_for_condition(world, "Ready", "False", "NameTaken")?;
    ensure!(
        message.starts_with("Service \"support-chatbox\" exists"),
        "{message}"
    );
    ensure!(
        world.get("service", "support-chatbox")? == theirs,
        "it was written to"
    );
    ensure!(
        world.get("deployment", "support-chatbox")?.is_none(),
        "half of it was made"
    );
    world.kubectl(&["delete", "service", "support-chatbox"])?;
    roll_out(world)
}

pub(crate) fn what_is_kept_is_taken_up_again(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let key = [
        "get",
        "secret/support-chatbox-keys",
        "--output=jsonpath={.data.jwt}",
    ];
    let before = world.kubectl(&key)?;
    let claim = ["get", CLAIM, "--output=jsonpath={.metadata.uid}"];
    let volume = world.kubectl(&claim)?;
    let gone = |expected: &str| {
        world.wait_for("what goes with the Chatbox is gone", || {
            let left = world.kubectl(&["get", KINDS, OURS, "--output=name"])?;
            Ok((left.trim() == expected).then_some(()))
        })
    };
    world.kubectl(&["delete", "chatbox", "support"])?;
    gone("persistentvolumeclaim/support-chatbox-data\nsecret/support-chatbox-keys")?;
    chatbox["spec"]["deletionPolicy"] = json!("Delete");
    world.apply(&chatbox)?;
    roll_out(world)?;
    ensure!(world.kubectl(&key)? == before, "a new key was generated");
    ensure!(world.kubectl(&claim)? == volume, "a new volume was claimed");
    world.kubectl(&["delete", "chatbox", "support"])?;
    gone("")
}

/// A finalizer stands for a pod that uses it.
pub(crate) fn a_volume_that_is_deleted_can_be_let_go(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let finalizers = |value: &Value| {
        let patch = json!({"metadata": {"finalizers": value}});
        let patch = format!("--patch={patch}");
        world.kubectl(&["patch", CLAIM, "--type=merge", &patch])
    };
    let uid = || {
        let path = "--output=jsonpath={.metadata.uid}";
        world.kubectl(&["get", CLAIM, "--ignore-not-found", path])
    };
    let before = uid()?;
    finalizers(&json!(["example.com/in-use"]))?;
    world.kubectl(&["delete", CLAIM, "--wait=false"])?;
    let message = wait_for_condition(world, "Ready", "False", "WaitingForDeletion")?;
    ensure!(message.contains("set spec.replicas to 0"), "{message}");
    chatbox["spec"]["replicas"] = json!(0);
    world.apply(&chatbox)?;
    world.wait_for("no pod is left", || {
        Ok(world.list("pods")?.is_empty().then_some(()))
    })?;
    wait_for_condition(world, "Ready", "False", "WaitingForDeletion")?;
    ensure!(uid()? == before, "it went before its user");
    finalizers(&json!(null))?;
    wait_for_condition(world, "Ready", "True", "Stopped")?;
    let after = uid()?;
    ensure!(
        !after.is_empty() && after != before,
        "it was not created again"
    );
    Ok(())
}

const CLAIM: &str = "persistentvolumeclaim/support-chatbox-data";
