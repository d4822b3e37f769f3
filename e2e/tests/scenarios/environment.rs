//! The environment itself: if these fail, the others say nothing.

use anyhow::{Result, ensure};
use browser::Browser;
use cluster::up::Running;
use control_plane::{plane::NODE, world::World};
use e2e::llm::Llm;
use serde_json::json;

pub(crate) fn a_namespace_gets_its_account(world: &World<'_>) -> Result<()> {
    world.wait_for("the account of the namespace", || {
        world.get("serviceaccount", "default")
    })?;
    Ok(())
}

pub(crate) fn a_pod_runs_restricted_and_ends(world: &World<'_>, running: &Running) -> Result<()> {
    world.kubectl(&[
        "label",
        "namespace",
        world.namespace(),
        "pod-security.kubernetes.io/enforce=restricted",
    ])?;
    world.wait_for("the account of the namespace", || {
        world.get("serviceaccount", "default")
    })?;
    world.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "quiet"},
        "spec": {
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "pause",
                "image": running.pause.name(),
                "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    }))?;
    world.kubectl(&[
        "wait",
        "pod/quiet",
        "--for=condition=Ready",
        "--timeout=60s",
    ])?;
    world.kubectl(&["delete", "pod", "quiet", "--timeout=20s"])?;
    ensure!(
        world.get("pod", "quiet")?.is_none(),
        "the pod is still there after it was deleted"
    );
    Ok(())
}

/// A page with the ids of the real one, which answers by repeating.
const ECHO: &str = "data:text/html,<div id=messages-container></div><input id=message-input><button id=send-btn \
    onclick=\"for (const sender of ['user', 'ai']) document.getElementById('messages-container').innerHTML += \
    `<article class='message ${sender}'><div class=bubble>${document.getElementById('message-input').value}</div></article>`\">Send</button>";

pub(crate) fn a_browser_reads_what_it_sent(_: &World<'_>) -> Result<()> {
    let browser = Browser::start()?.page()?;
    browser.open(ECHO)?;
    browser.send("good morning")?;
    browser.wait_for_text(".message.ai", "good morning")?;
    let seen: Vec<_> = browser
        .transcript()?
        .into_iter()
        .map(|shown| (shown.sender, shown.text))
        .collect();
    ensure!(
        seen == [
            ("user".into(), "good morning".into()),
            ("ai".into(), "good morning".into())
        ],
        "{seen:?}"
    );
    browser.reload()?;
    ensure!(
        browser.count(".message")? == 0,
        "the page remembers what it cannot"
    );
    Ok(())
}

pub(crate) fn a_model_answers_on_the_bridge(_: &World<'_>) -> Result<()> {
    let llm = Llm::start(NODE, &["--response-style", "echo"])?;
    ensure!(
        llm.base_url().starts_with("http://10.244.0.1:"),
        "pods cannot reach {}",
        llm.base_url()
    );
    Ok(())
}
