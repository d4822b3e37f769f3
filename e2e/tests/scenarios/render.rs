//! What is printed beforehand is what happens.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use builder::{programs, progress::Meter};
use cluster::up::Running;
use control_plane::world::World;
use serde_json::{Value, json};

use super::chat::{self, NAME, demo};

/// `render` prints what was applied, and neither it nor the Chatbox itself would change anything.
pub(crate) fn render_is_what_is_applied(world: &World<'_>, running: &Running) -> Result<()> {
    world.apply(&demo())?;
    chat::page(world, NAME)?;
    chat::ready(world)?;
    let image = running.images.chatbox.name();
    let objects = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [world.get("chatbox", NAME)?, world.get("secret", "support-chatbox-keys")?],
    });
    let rendered = render(&image, &objects)?;
    for kind in ["ServiceAccount", "ConfigMap", "Deployment", "Service"] {
        ensure!(
            rendered.contains(&format!("kind: {kind}\n")),
            "no {kind} in:\n{rendered}"
        );
    }
    let diff = [
        "--namespace",
        world.namespace(),
        "diff",
        "--server-side",
        "--force-conflicts",
        "--field-manager=chatbox-operator",
        "--filename",
        "-",
    ];
    let changes = world.cluster().feed(&diff, &rendered);
    ensure!(changes.as_ref().is_ok_and(String::is_empty), "{changes:?}");
    let diff = ["--namespace", world.namespace(), "diff", "--filename", "-"];
    let changes = world.cluster().feed(&diff, &demo().to_string());
    ensure!(changes.as_ref().is_ok_and(String::is_empty), "{changes:?}");
    Ok(())
}

fn render(image: &str, objects: &Value) -> Result<String> {
    let program = programs::release(&Meter::default())?.join("chatbox-operator");
    let mut render = Command::new(program)
        .args(["render", "--chatbox-image", image, "--file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = render.stdin.take().context("the input of render")?;
    for object in objects["items"].as_array().into_iter().flatten() {
        // JSON is YAML.
        writeln!(input, "---\n{object}")?;
    }
    drop(input);
    let output = render.wait_with_output()?;
    ensure!(
        output.status.success(),
        "render ended with {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}
