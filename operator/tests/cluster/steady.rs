//! A converged Chatbox costs nothing: no request, no rollout.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use control_plane::world::World;
use serde_json::json;

use crate::program::{IMAGE, Operator};
use crate::support::{
    KEY, OURS, chatbox, deployment_generation, roll_out, run_pods, secret, secrets, versions,
    wait_for_condition, with_secrets,
};

pub(crate) fn converged_is_left_alone(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    world.apply(&with_secrets())?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    let before = versions(world)?;
    drop(operator);
    // Not even a newer release with another image of the server has a reason to write.
    let operator = Operator::start_with(world, "registry.example/chatbox:0.2.0")?;
    ensure!(
        operator.writes()? == 0,
        "it wrote {} times",
        operator.writes()?
    );
    ensure!(versions(world)? == before, "something was written");
    Ok(())
}

/// Pods of somebody else's that carry our label trigger reconciles in which nothing is to be done.
pub(crate) fn a_converged_reconcile_sends_no_request(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    world.apply(&with_secrets())?;
    let mut generated = chatbox();
    generated["metadata"]["name"] = json!("generated");
    world.apply(&generated)?;
    let operator = Operator::start(world)?;
    for _ in ["support", "generated"] {
        run_pods(world)?;
    }
    world.wait_for("both are rolled out", || {
        let chatboxes = world.list("chatboxes")?;
        let ready = chatboxes
            .iter()
            .filter(|chatbox| chatbox["status"]["readyReplicas"] == 1);
        Ok((ready.count() == 2).then_some(()))
    })?;
    // The watches deliver our own last writes, which may trigger once more.
    for name in ["support", "generated"] {
        trigger(world, &operator, name, "first")?;
    }
    let before = operator.requests()?;
    for name in ["support", "generated"] {
        trigger(world, &operator, name, "second")?;
        trigger(world, &operator, name, "third")?;
    }
    let requests = operator.requests()? - before;
    ensure!(requests == 0, "it sent {requests} requests");
    Ok(())
}

/// Creates a pod with our label and without an owner, and waits for the reconcile that it triggers.
pub(crate) fn trigger(
    world: &World<'_>,
    operator: &Operator,
    chatbox: &str,
    pod: &str,
) -> Result<()> {
    let before = operator.reconciles()?;
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("{chatbox}-{pod}"), "labels": {"chatbox.dev/name": chatbox, "pod": pod}},
        "spec": {"schedulerName": "none", "containers": [{"name": "x", "image": "x"}]},
    }))?;
    world.wait_for("the pod has triggered a reconcile", || {
        Ok((operator.reconciles()? > before).then_some(()))
    })
}

pub(crate) fn render_is_what_is_applied(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    world.apply(&with_secrets())?;
    let _operator = Operator::start(world)?;
    wait_for_condition(world, "Ready", "False", "Progressing")?;
    let objects = world.kubectl(&[
        "get",
        "chatbox/support",
        "secret/jwt",
        "secret/llm",
        "--output=yaml",
    ])?;
    let mut render = Command::new(env!("CARGO_BIN_EXE_chatbox-operator"))
        .args(["render", "--file=-", "--chatbox-image", IMAGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    render
        .stdin
        .take()
        .context("no input")?
        .write_all(objects.as_bytes())?;
    let output = render.wait_with_output()?;
    ensure!(output.status.success());
    let rendered = String::from_utf8(output.stdout)?;
    ensure!(!rendered.contains(KEY), "a secret value was printed");
    // `kubectl diff` ends with an error when there is a difference.
    let diff = [
        "diff",
        "--server-side",
        "--field-manager=chatbox-operator",
        "--filename=-",
    ];
    world.cluster().feed(&diff, &rendered)?;
    Ok(())
}

pub(crate) fn pods_roll_for_their_reasons_only(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    let mut chatbox = with_secrets();
    world.apply(&chatbox)?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    ensure!(
        deployment_generation(world)? == 1,
        "the first rollout was not the only one"
    );

    let reconciles = operator.reconciles()?;
    world.apply(&secret(
        "llm",
        &json!({"openai": "first", "another": "key"}),
    ))?;
    world.wait_for("the operator has reconciled", || {
        Ok((operator.reconciles()? > reconciles).then_some(()))
    })?;
    chatbox["metadata"]["labels"] = json!({"team": "a"});
    chatbox["spec"]["service"] = json!({"annotations": {"example.com/seen": "yes"}});
    world.apply(&chatbox)?;
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    ensure!(
        deployment_generation(world)? == 1,
        "pods rolled without a reason"
    );

    world.apply(&secret(
        "llm",
        &json!({"openai": "second", "another": "key"}),
    ))?;
    wait_for_condition(world, "Ready", "False", "Progressing")?;
    roll_out(world)?;
    ensure!(
        deployment_generation(world)? == 2,
        "a new key is one reason to roll"
    );
    chatbox["spec"]["config"]["models"][0]["openai"]["model"] = json!("m-2");
    world.apply(&chatbox)?;
    roll_out(world)?;
    ensure!(
        deployment_generation(world)? == 3,
        "a new config is one reason to roll"
    );
    world.wait_for("the old config is pruned", || {
        let configs = world.kubectl(&["get", "configmaps", OURS, "--output=name"])?;
        Ok((configs.lines().count() == 1).then_some(()))
    })
}
