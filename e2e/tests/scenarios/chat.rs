//! What the scenarios have in common: the Chatbox that they are about, and what is asked of it.

use anyhow::{Context, Result, ensure};
use browser::{Message, Page};
use cluster::install;
use control_plane::world::World;
use serde_json::{Value, json};

/// Name of the Chatbox in most scenarios.
pub(crate) const NAME: &str = "support";
/// What its Deployment and Service are called.
pub(crate) const APP: &str = "support-chatbox";

/// A Chatbox that answers by itself and can be reached from this machine.
pub(crate) fn demo() -> Value {
    json!({
        "apiVersion": "chatbox.dev/v1alpha1",
        "kind": "Chatbox",
        "metadata": {"name": NAME},
        "spec": {
            "service": {"type": "NodePort"},
            "deletionPolicy": "Delete",
            "config": {
                "server": {"drainSeconds": 5},
                "auth": {"guests": {}},
                "models": [{"id": "demo", "name": "Demo", "demo": {"wordsPerSecond": 200}}],
                "storage": {"sqlite": {"volume": {"emptyDir": {}}}},
            },
        },
    })
}

/// The same with `value` at the JSON pointer `at`.
pub(crate) fn with(mut chatbox: Value, at: &str, value: Value) -> Value {
    let (parent, field) = at.rsplit_once('/').unwrap_or_default();
    if let Some(parent) = chatbox.pointer_mut(parent) {
        parent[field] = value;
    }
    chatbox
}

/// Waits until a Chatbox of the namespace is ready, and returns the address of its page.
pub(crate) fn page(world: &World<'_>, name: &str) -> Result<String> {
    let identity = json!({"metadata": {"name": name, "namespace": world.namespace()}});
    install::ready(world.cluster(), &identity)?;
    let chatbox = world.wait_for("the Chatbox", || world.get("chatbox", name))?;
    install::page(world.cluster(), &chatbox)
}

/// Asks, and reads the answer to its end.
pub(crate) fn ask(browser: &Page, question: &str) -> Result<Vec<Message>> {
    browser.wait_for_text("#status-text", "Connected")?;
    let before = answers(&browser.transcript()?);
    browser.send(question)?;
    browser.wait_for(&format!(
        ":nth-match(#messages-container .message.ai:not([aria-busy=true]), {})",
        before + 1
    ))?;
    browser.transcript()
}

pub(crate) fn answers(transcript: &[Message]) -> usize {
    transcript
        .iter()
        .filter(|shown| shown.sender == "ai")
        .count()
}

/// No word twice, none missing: who said what, without the page's own remarks.
pub(crate) fn said(transcript: &[Message]) -> Vec<(String, String)> {
    let spoken = transcript.iter().filter(|shown| shown.sender != "system");
    spoken
        .map(|shown| (shown.sender.clone(), shown.text.clone()))
        .collect()
}

/// The one pod of the Chatbox.
pub(crate) fn pod(world: &World<'_>) -> Result<Value> {
    world.wait_for("one pod", || {
        let mut pods = world.list("pods")?;
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        Ok((pods.len() == 1).then(|| pods.remove(0)))
    })
}

/// How often the pods have rolled: the number of the Deployment's newest revision.
pub(crate) fn revision(world: &World<'_>) -> Result<Value> {
    let deployment = world
        .get("deployment", APP)?
        .context("the Deployment exists")?;
    Ok(deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone())
}

pub(crate) fn uid(object: &Value) -> Result<String> {
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
    uid.map(ToOwned::to_owned).context("an object has a uid")
}

/// A condition of the Chatbox: its status, reason and message, once it speaks of the newest generation.
pub(crate) fn condition(world: &World<'_>, type_: &str) -> Result<(String, String, String)> {
    world.wait_for(&format!("condition {type_}"), || {
        let chatbox = world.get("chatbox", NAME)?.context("the Chatbox exists")?;
        let generation = &chatbox["metadata"]["generation"];
        let conditions = chatbox["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions.into_iter().find(|condition| {
            condition["type"] == type_ && condition["observedGeneration"] == *generation
        });
        let text = |condition: &Value, field: &str| {
            condition[field].as_str().unwrap_or_default().to_owned()
        };
        Ok(found.map(|found| {
            (
                text(&found, "status"),
                text(&found, "reason"),
                text(&found, "message"),
            )
        }))
    })
}

/// Waits until the newest generation is rolled out.
pub(crate) fn ready(world: &World<'_>) -> Result<()> {
    world.wait_for("Ready", || {
        let (status, ..) = condition(world, "Ready")?;
        Ok((status == "True").then_some(()))
    })
}

/// Nothing went wrong on the page that a person would find in its console.
pub(crate) fn no_problems(browser: &Page) -> Result<()> {
    let problems = browser.problems()?;
    ensure!(problems.is_empty(), "{problems:?}");
    Ok(())
}
