//! What the operator promises, seen from outside.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::world::World;
use serde_json::{Value, json};

use crate::program::{IMAGE, Operator};

const CHILDREN: &str =
    "deployments,services,configmaps,serviceaccounts,persistentvolumeclaims,secrets";
const OURS: &str = "--selector=app.kubernetes.io/managed-by=chatbox-operator";

fn chatbox() -> Value {
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

/// With keys of its own in two Secrets, and amounts in a form that is not the API server's.
fn with_secrets() -> Value {
    let mut chatbox = chatbox();
    chatbox["spec"]["config"]["auth"] = json!({"hs256": {"keys": [{"name": "jwt", "key": "k"}]}});
    chatbox["spec"]["config"]["models"][0] = json!({
        "id": "m", "name": "M", "openai": {"model": "m-1", "apiKey": {"name": "llm", "key": "openai"}},
    });
    chatbox["spec"]["resources"] =
        json!({"requests": {"cpu": "1000m"}, "limits": {"memory": "2048Mi"}});
    chatbox
}

fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn secrets(world: &World<'_>) -> Result<()> {
    world.apply(&secret("jwt", &json!({"k": KEY})))?;
    world.apply(&secret("llm", &json!({"openai": "first"})))?;
    Ok(())
}

/// Waits until the Chatbox says this: a condition, its status and its reason.
fn says(world: &World<'_>, type_: &str, status: &str, reason: &str) -> Result<String> {
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

/// Plays the kubelet: the newest pod runs and is ready.
fn run_pods(world: &World<'_>) -> Result<()> {
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

fn roll_out(world: &World<'_>) -> Result<()> {
    run_pods(world)?;
    says(world, "Ready", "True", "RolledOut").map(drop)
}

/// The resource version of everything that the operator writes, by kind and name.
fn versions(world: &World<'_>) -> Result<BTreeMap<String, String>> {
    let mut versions = BTreeMap::new();
    for object in world.list(&format!("chatboxes,{CHILDREN}"))? {
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

fn deployment_generation(world: &World<'_>) -> Result<i64> {
    let deployment = world
        .get("deployment", "support-chatbox")?
        .context("no Deployment")?;
    deployment["metadata"]["generation"]
        .as_i64()
        .context("no generation")
}

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

pub(crate) fn render_is_what_is_applied(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    world.apply(&with_secrets())?;
    let _operator = Operator::start(world)?;
    says(world, "Ready", "False", "Progressing")?;
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

pub(crate) fn drift_is_repaired(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let names = world.kubectl(&["get", CHILDREN, OURS, "--output=name"])?;
    ensure!(names.lines().count() == 6, "{names}");
    for name in names.lines() {
        world.kubectl(&[
            "label",
            name,
            "app.kubernetes.io/instance=edited",
            "--overwrite",
        ])?;
        world.wait_for(&format!("{name} has its label again"), || {
            let labels = world.kubectl(&["get", name, "--output=jsonpath={.metadata.labels}"])?;
            Ok(labels.contains("\"support\"").then_some(()))
        })?;
        if name.starts_with("secret/") || name.starts_with("persistentvolumeclaim/") {
            continue;
        }
        let uid = || {
            world.kubectl(&[
                "get",
                name,
                "--ignore-not-found",
                "--output=jsonpath={.metadata.uid}",
            ])
        };
        let before = uid()?;
        world.kubectl(&["delete", name, "--wait=false"])?;
        world.wait_for(&format!("{name} is back"), || {
            let now = uid()?;
            Ok((!now.is_empty() && now != before).then_some(()))
        })?;
    }
    world.kubectl(&["scale", "deployment/support-chatbox", "--replicas=3"])?;
    world.wait_for("there is one replica again", || {
        let replicas = [
            "get",
            "deployment/support-chatbox",
            "--output=jsonpath={.spec.replicas}",
        ];
        Ok((world.kubectl(&replicas)? == "1").then_some(()))
    })
}

pub(crate) fn pods_roll_for_their_reasons_only(world: &World<'_>) -> Result<()> {
    secrets(world)?;
    let mut chatbox = with_secrets();
    world.apply(&chatbox)?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    ensure!(
        deployment_generation(world)? == 1,
        "the first roll-out was not the only one"
    );

    let looks = operator.looks()?;
    world.apply(&secret(
        "llm",
        &json!({"openai": "first", "another": "key"}),
    ))?;
    world.wait_for("the operator has looked", || {
        Ok((operator.looks()? > looks).then_some(()))
    })?;
    chatbox["metadata"]["labels"] = json!({"team": "a"});
    chatbox["spec"]["service"] = json!({"annotations": {"example.com/seen": "yes"}});
    world.apply(&chatbox)?;
    says(world, "Ready", "True", "RolledOut")?;
    ensure!(
        deployment_generation(world)? == 1,
        "pods rolled without a reason"
    );

    world.apply(&secret(
        "llm",
        &json!({"openai": "second", "another": "key"}),
    ))?;
    says(world, "Ready", "False", "Progressing")?;
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

pub(crate) fn a_bad_edit_leaves_what_runs(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let before = world.kubectl(&[
        "get",
        CHILDREN,
        OURS,
        "--output=jsonpath={.items[*].metadata.resourceVersion}",
    ])?;
    // Admission takes both: neither rule can be written as a pattern.
    chatbox["spec"]["config"]["server"] =
        json!({"allowedOrigins": ["https://www.example.com:443"]});
    chatbox["spec"]["resources"] = json!({"limits": {"memory": "lots"}});
    world.apply(&chatbox)?;
    let message = says(world, "ConfigValid", "False", "Invalid")?;
    for words in [
        "spec.config.server.allowedOrigins[0]: is not what a browser sends; write https://www.example.com",
        "spec.resources.limits.memory",
    ] {
        ensure!(message.contains(words), "{message}");
    }
    says(world, "Stalled", "True", "InvalidConfig")?;
    let after = world.kubectl(&[
        "get",
        CHILDREN,
        OURS,
        "--output=jsonpath={.items[*].metadata.resourceVersion}",
    ])?;
    ensure!(before == after, "something was written");
    Ok(())
}

pub(crate) fn a_secret_is_picked_up(world: &World<'_>) -> Result<()> {
    world.apply(&with_secrets())?;
    let _operator = Operator::start(world)?;
    let message = says(world, "SecretsResolved", "False", "Unresolved")?;
    let words = "spec.config.models[0].openai.apiKey: secret \"llm\" does not exist; create it with key \"openai\"";
    ensure!(message.contains(words), "{message}");
    ensure!(world.get("deployment", "support-chatbox")?.is_none());
    world.apply(&secret("llm", &json!({"openai": "x"})))?;
    world.apply(&secret("jwt", &json!({"k": "too-short"})))?;
    world.wait_for("the short key is told", || {
        let message = says(world, "SecretsResolved", "False", "Unresolved")?;
        ensure!(!message.contains("too-short"), "a secret value was told");
        Ok(message.contains("shorter than 32 bytes").then_some(()))
    })?;
    world.apply(&secret("jwt", &json!({"k": KEY})))?;
    says(world, "SecretsResolved", "True", "Resolved")?;
    roll_out(world)
}

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
    let message = says(world, "Ready", "False", "NameTaken")?;
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
    let gone = |expected: &str| {
        world.wait_for("what goes with the Chatbox is gone", || {
            let left = world.kubectl(&["get", CHILDREN, OURS, "--output=name"])?;
            Ok((left.trim() == expected).then_some(()))
        })
    };
    world.kubectl(&["delete", "chatbox", "support"])?;
    gone("persistentvolumeclaim/support-chatbox-data\nsecret/support-chatbox-keys")?;
    chatbox["spec"]["deletionPolicy"] = json!("Delete");
    world.apply(&chatbox)?;
    roll_out(world)?;
    ensure!(world.kubectl(&key)? == before, "the key was made anew");
    world.kubectl(&["delete", "chatbox", "support"])?;
    gone("")
}

pub(crate) fn a_paused_chatbox_waits(world: &World<'_>) -> Result<()> {
    let mut chatbox = chatbox();
    world.apply(&chatbox)?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    chatbox["spec"]["paused"] = json!(true);
    world.apply(&chatbox)?;
    says(world, "Ready", "True", "Paused")?;
    chatbox["spec"]["replicas"] = json!(0);
    world.apply(&chatbox)?;
    says(world, "Ready", "False", "Paused")?;
    ensure!(deployment_generation(world)? == 1, "it did not wait");
    chatbox["spec"]["paused"] = json!(false);
    world.apply(&chatbox)?;
    says(world, "Ready", "True", "Stopped").map(drop)
}
