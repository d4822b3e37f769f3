//! The owner of an object, and how long it lives.

use anyhow::{Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::Operator;
use crate::support::{
    KINDS, OURS, chatbox, deployment_generation, roll_out, secret, secrets, wait_for_condition,
    with_secrets,
};

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

/// The claim was deleted by mistake, and lives as long as the pod: whatever would replace that waits.
pub(crate) fn a_claim_that_is_deleted_keeps_its_pod(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    let mut chatbox = with_secrets();
    world.apply(&chatbox)?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    let finalizers = |value: &Value| {
        let patch = format!("--patch={}", json!({"metadata": {"finalizers": value}}));
        world.kubectl(&["patch", CLAIM, "--type=merge", &patch])
    };
    finalizers(&json!(["example.com/in-use"]))?;
    world.kubectl(&["delete", CLAIM, "--wait=false"])?;
    let message = wait_for_condition(world, "Ready", "False", "WaitingForDeletion")?;
    ensure!(message.contains("pods are not replaced"), "{message}");
    let generation = deployment_generation(world)?;
    let before = operator.reconciles()?;
    world.apply(&secret("llm", &json!({"openai": "rotated"})))?;
    world.wait_for("the rotation was seen", || {
        Ok((operator.reconciles()? > before + 1).then_some(()))
    })?;
    chatbox["spec"]["image"] = json!("registry.example/mine:1");
    chatbox["spec"]["service"] = json!({"port": 8000});
    world.apply(&chatbox)?;
    world.wait_for("the edit has reached the Service", || {
        let service = world.get("service", "support-chatbox")?;
        Ok(service.filter(|service| service["spec"]["ports"][0]["port"] == 8000))
    })?;
    wait_for_condition(world, "Ready", "False", "WaitingForDeletion")?;
    ensure!(
        deployment_generation(world)? == generation,
        "the pod was replaced, and its data is gone"
    );
    finalizers(&json!(null))?;
    world.wait_for("the rest follows when the claim is there again", || {
        Ok((deployment_generation(world)? > generation).then_some(()))
    })
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
