//! What happens after an edit of the Chatbox or of what it refers to.

use anyhow::{Context, Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use crate::program::{IMAGE, Operator};
use crate::support::{
    KEY, KINDS, OURS, chatbox, deployment_generation, roll_out, secret, wait_for_condition,
    with_secrets,
};

pub(crate) fn an_edit_reaches_the_objects(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    chatbox["spec"]["service"] = json!({
        "type": "NodePort", "port": 8000, "annotations": {"example.com/a": "1", "example.com/b": "2"},
    });
    world.apply(&chatbox)?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    chatbox["spec"]["service"] = json!({"port": 8001, "annotations": {"example.com/b": "3"}});
    chatbox["spec"]["image"] = json!("registry.example/mine:1");
    world.apply(&chatbox)?;
    roll_out(world)?;
    let service = world
        .get("service", "support-chatbox")?
        .context("no Service")?;
    let ports = json!([{"name": "http", "port": 8001, "protocol": "TCP", "targetPort": "http"}]);
    ensure!(service["spec"]["ports"] == ports, "{service}");
    ensure!(service["spec"]["type"] == "ClusterIP", "{service}");
    let annotations = json!({"example.com/b": "3"});
    ensure!(
        service["metadata"]["annotations"] == annotations,
        "{service}"
    );
    let seen = world.get("chatbox", "support")?.context("no Chatbox")?;
    ensure!(
        seen["status"]["image"] == "registry.example/mine:1",
        "{seen}"
    );
    let url = format!(
        "http://support-chatbox.{}.svc:8001/chatbox/",
        world.namespace()
    );
    ensure!(seen["status"]["url"] == url.as_str(), "{seen}");
    drop(operator);
    let operator = Operator::start(world)?;
    ensure!(
        operator.writes()? == 0,
        "it wrote {} times",
        operator.writes()?
    );
    Ok(())
}

/// An image is tried and taken back, and the Deployment is deleted, as an error message may advise: each time the next release
/// of the operator runs what was chosen at first.
pub(crate) fn a_chosen_image_stays(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    let image = |expected: &str| {
        world.wait_for(&format!("the image is {expected}"), || {
            let path = "--output=jsonpath={.spec.template.spec.containers[0].image}";
            let get = [
                "get",
                "deployment",
                "support-chatbox",
                "--ignore-not-found",
                path,
            ];
            Ok((world.kubectl(&get)? == expected).then_some(()))
        })
    };
    chatbox["spec"]["image"] = json!("registry.example/tried:1");
    world.apply(&chatbox)?;
    image("registry.example/tried:1")?;
    drop(operator);
    let operator = Operator::start_with(world, "registry.example/chatbox:9")?;
    chatbox["spec"]
        .as_object_mut()
        .context("no spec")?
        .remove("image");
    world.apply(&chatbox)?;
    image(IMAGE)?;
    wait_for_condition(world, "ConfigValid", "True", "Valid")?;
    world.wait_for("the status says so", || {
        let seen = world.get("chatbox", "support")?.context("no Chatbox")?;
        Ok((seen["status"]["image"] == IMAGE).then_some(()))
    })?;
    world.kubectl(&["delete", "deployment", "support-chatbox"])?;
    image(IMAGE)?;
    drop(operator);
    Ok(())
}

pub(crate) fn a_bad_edit_leaves_what_runs(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let before = world.kubectl(&[
        "get",
        KINDS,
        OURS,
        "--output=jsonpath={.items[*].metadata.resourceVersion}",
    ])?;
    // Admission takes both: neither rule can be written as a pattern.
    chatbox["spec"]["config"]["server"] =
        json!({"allowedOrigins": ["https://www.example.com:443"]});
    chatbox["spec"]["resources"] = json!({"limits": {"memory": "lots"}});
    world.apply(&chatbox)?;
    let moved = json!({"sqlite": {"volume": {"claim": null, "emptyDir": {}}}});
    let mut refused = chatbox.clone();
    refused["spec"]["config"]["storage"] = moved;
    let answer = world
        .apply(&refused)
        .err()
        .map(|error| format!("{error:#}"));
    ensure!(
        answer
            .as_ref()
            .is_some_and(|answer| answer.contains("the messages would be left behind")),
        "{answer:?}"
    );
    let message = wait_for_condition(world, "ConfigValid", "False", "Invalid")?;
    for words in [
        "spec.config.server.allowedOrigins[0]: is not what a browser sends; write https://www.example.com",
        "spec.resources.limits.memory",
    ] {
        ensure!(message.contains(words), "{message}");
    }
    wait_for_condition(world, "Stalled", "True", "InvalidConfig")?;
    let after = world.kubectl(&[
        "get",
        KINDS,
        OURS,
        "--output=jsonpath={.items[*].metadata.resourceVersion}",
    ])?;
    ensure!(before == after, "something was written");
    Ok(())
}

pub(crate) fn a_secret_is_picked_up(world: &World<'_>) -> Result<()> {
    world.apply(&with_secrets())?;
    let _operator = Operator::start(world)?;
    let message = wait_for_condition(world, "SecretsResolved", "False", "Unresolved")?;
    let words = "spec.config.models[0].openai.apiKey: secret \"llm\" does not exist; create it with key \"openai\"";
    ensure!(message.contains(words), "{message}");
    ensure!(world.get("deployment", "support-chatbox")?.is_none());
    world.apply(&secret("llm", &json!({"openai": "x"})))?;
    world.apply(&secret("jwt", &json!({"k": "too-short"})))?;
    world.wait_for("the short key is reported", || {
        let message = wait_for_condition(world, "SecretsResolved", "False", "Unresolved")?;
        ensure!(
            !message.contains("too-short"),
            "a secret value was reported"
        );
        Ok(message.contains("shorter than 32 bytes").then_some(()))
    })?;
    world.apply(&secret("jwt", &json!({"k": KEY})))?;
    wait_for_condition(world, "SecretsResolved", "True", "Resolved")?;
    roll_out(world)
}

/// A secret that is gone, say because it has leaked, must not keep the server from being stopped.
pub(crate) fn a_chatbox_is_stopped_whatever_else_is_wrong(world: &World<'_>) -> Result<()> {
    world.apply(&secret("jwt", &json!({"k": KEY})))?;
    world.apply(&secret("llm", &json!({"openai": "x"})))?;
    let mut chatbox = with_secrets();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    world.kubectl(&["delete", "secret", "llm"])?;
    wait_for_condition(world, "SecretsResolved", "False", "Unresolved")?;
    ensure!(world.list("pods")?.len() == 1, "what runs was stopped");
    chatbox["spec"]["replicas"] = json!(0);
    chatbox["spec"]["paused"] = json!(true);
    world.apply(&chatbox)?;
    wait_for_condition(world, "SecretsResolved", "False", "Unresolved")?;
    ensure!(world.list("pods")?.len() == 1, "it is paused");
    chatbox["spec"]["paused"] = json!(false);
    world.apply(&chatbox)?;
    world.wait_for("no pod is left", || {
        Ok(world.list("pods")?.is_empty().then_some(()))
    })?;
    world.apply(&secret("llm", &json!({"openai": "x"})))?;
    wait_for_condition(world, "Ready", "True", "Stopped")?;
    chatbox["spec"]["replicas"] = json!(1);
    world.apply(&chatbox)?;
    roll_out(world)
}

pub(crate) fn a_rollout_that_makes_no_progress_is_stalled(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    world.wait_for("no pod is ready yet", || {
        let message = wait_for_condition(world, "Reconciling", "True", "Progressing")?;
        Ok((message == "0 of 1 pods are ready").then_some(()))
    })?;
    pass_deadline(world, &mut chatbox)?;
    let message = wait_for_condition(world, "Stalled", "True", "ProgressDeadlineExceeded")?;
    ensure!(message.contains("has timed out progressing"), "{message}");
    wait_for_condition(world, "Ready", "False", "ProgressDeadlineExceeded")?;
    roll_out(world)
}

/// Lets the deadline of a rollout pass. That of our own plan is ten minutes; while the Chatbox is paused, a test may set
/// another.
pub(crate) fn pass_deadline(world: &World<'_>, chatbox: &mut Value) -> Result<()> {
    chatbox["spec"]["paused"] = json!(true);
    world.apply(chatbox)?;
    world.wait_for("the pause is in effect", || {
        let chatbox = world.get("chatbox", "support")?.context("no Chatbox")?;
        let conditions = chatbox["status"]["conditions"].to_string();
        Ok(conditions.contains("paused").then_some(()))
    })?;
    let soon = r#"--patch={"spec": {"progressDeadlineSeconds": 1}}"#;
    let patch = [
        "patch",
        "deployment",
        "support-chatbox",
        "--type=merge",
        soon,
    ];
    world.kubectl(&patch)?;
    let reason = r#"--output=jsonpath={.status.conditions[?(@.type=="Progressing")].reason}"#;
    world.wait_for("the deadline has passed", || {
        let reason = world.kubectl(&["get", "deployment", "support-chatbox", reason])?;
        Ok((reason == "ProgressDeadlineExceeded").then_some(()))
    })?;
    chatbox["spec"]["paused"] = json!(false);
    world.apply(chatbox)?;
    Ok(())
}

pub(crate) fn a_paused_chatbox_waits(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    chatbox["spec"]["paused"] = json!(true);
    world.apply(&chatbox)?;
    wait_for_condition(world, "Ready", "True", "Paused")?;
    chatbox["spec"]["replicas"] = json!(0);
    world.apply(&chatbox)?;
    wait_for_condition(world, "Ready", "False", "Paused")?;
    ensure!(deployment_generation(world)? == 1, "it did not wait");
    chatbox["spec"]["paused"] = json!(false);
    world.apply(&chatbox)?;
    wait_for_condition(world, "Ready", "True", "Stopped").map(drop)
}
