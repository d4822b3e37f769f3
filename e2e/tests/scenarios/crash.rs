//! Processes are killed without a word, in the middle of an answer.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};
use browser::Browser;
use control_plane::world::World;
use serde_json::{Value, json};

use super::chat::{self, NAME, answers, ask, demo, pod, said, uid, with};

/// So slow that an answer is still under way whatever the scenario does meanwhile.
fn slow() -> Value {
    with(
        demo(),
        "/spec/config/models/0/demo/wordsPerSecond",
        json!(6),
    )
}

/// The server dies: the question is there, the answer ends with a word about it, and the page goes on by itself.
pub(crate) fn the_server_dies_during_an_answer(world: &World<'_>) -> Result<()> {
    world.apply(&slow())?;
    let page = chat::page(world, NAME)?;
    let browser = Browser::start()?.page()?;
    browser.open(&page)?;
    browser.wait_for_text("#status-text", "Connected")?;
    browser.send("Tell me something long")?;
    // Further than the first checkpoint: what was kept of the answer is at most a second old.
    browser.wait_for_text(".message.ai", "I am the demo model")?;
    kill(&uid(&pod(world)?)?, "chatbox")?;
    browser.wait_for(".message.ai:not([aria-busy=true])")?;
    browser.wait_for_text("#status-text", "Connected")?;
    let transcript = browser.transcript()?;
    let messages = said(&transcript);
    ensure!(
        messages.len() == 2 && answers(&transcript) == 1,
        "something is doubled or lost: {messages:?}"
    );
    ensure!(
        messages[0].1.contains("Tell me something long"),
        "{messages:?}"
    );
    browser.wait_for_text("#messages-container", "interrupted")?;
    browser.reload()?;
    browser.wait_for_text(".message.ai", "You wrote")?;
    ensure!(
        said(&browser.transcript()?).len() == 2,
        "a reload shows something else: {:?}",
        browser.transcript()?
    );
    Ok(())
}

/// The operator dies: nobody who chats notices, and when it is back it has nothing to write.
pub(crate) fn the_operator_dies_during_an_answer(world: &World<'_>) -> Result<()> {
    world.apply(&with(
        demo(),
        "/spec/config/models/0/demo/wordsPerSecond",
        json!(20),
    ))?;
    let page = chat::page(world, NAME)?;
    let before = versions(world)?;
    let browser = Browser::start()?.page()?;
    browser.open(&page)?;
    browser.wait_for_text("#status-text", "Connected")?;
    browser.send("Tell me something")?;
    browser.wait_for_text(".message.ai", "You wrote")?;
    let operator = operator(world)?;
    let restarts = operator["status"]["containerStatuses"][0]["restartCount"].clone();
    kill(&uid(&operator)?, "chatbox-operato")?;
    browser.wait_for(".message.ai:not([aria-busy=true])")?;
    ensure!(
        said(&browser.transcript()?)[1]
            .1
            .contains("stays open meanwhile"),
        "the answer is whole"
    );
    world.wait_for("the operator to be back", || {
        let status = self::operator(world)?["status"]["containerStatuses"][0].clone();
        Ok((status["restartCount"] != restarts && status["ready"] == true).then_some(()))
    })?;
    ensure!(
        versions(world)? == before,
        "a restart of the operator wrote something"
    );
    ask(&browser, "Still there?").map(drop)
}

/// What stands in the namespace, and at which version.
fn versions(world: &World<'_>) -> Result<Vec<(Value, Value)>> {
    let mut versions = Vec::new();
    for kind in [
        "chatbox",
        "deployment",
        "service",
        "configmap",
        "serviceaccount",
        "secret",
    ] {
        let version = |object: Value| {
            (
                object["metadata"]["name"].clone(),
                object["metadata"]["resourceVersion"].clone(),
            )
        };
        versions.extend(world.list(kind)?.into_iter().map(version));
    }
    chat::ready(world)?;
    Ok(versions)
}

fn operator(world: &World<'_>) -> Result<Value> {
    let pods = world
        .cluster()
        .get(&["pods", "--namespace", "chatbox-system"])?
        .context("the operator's namespace")?;
    let pods = pods["items"].as_array().cloned().unwrap_or_default();
    let is_running = |pod: &Value| {
        pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null()
    };
    pods.into_iter()
        .find(is_running)
        .context("the operator runs")
}

/// Kills the process of this name in the pod.
fn kill(pod: &str, name: &str) -> Result<()> {
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
        if read("comm").trim() == name && read("cgroup").contains(pod) {
            let pid = folder.file_name().context("a process has a number")?;
            ensure!(
                Command::new("kill")
                    .arg("-KILL")
                    .arg(pid)
                    .status()?
                    .success(),
                "cannot kill {name}"
            );
            return Ok(());
        }
    }
    anyhow::bail!("no process {name} in pod {pod}")
}
