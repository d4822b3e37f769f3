//! Edits of our objects by somebody else are undone.

use anyhow::{Result, ensure};
use control_plane::world::World;

use crate::program::{IMAGE, Operator};
use crate::support::{KINDS, OURS, chatbox, deployment_generation, roll_out, wait_for_condition};

pub(crate) fn drift_is_repaired(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let _operator = Operator::start(world)?;
    roll_out(world)?;
    let names = world.kubectl(&["get", KINDS, OURS, "--output=name"])?;
    ensure!(names.lines().count() == 6, "{names}");
    for name in names.lines() {
        world.kubectl(&["label", name, "chatbox.dev/name=edited", "--overwrite"])?;
        labelled(world, name)?;
        world.kubectl(&["label", name, "chatbox.dev/name-"])?;
        labelled(world, name)?;
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
    content_is_repaired(world)?;
    let before = deployment_generation(world)?;
    world.kubectl(&["scale", "deployment/support-chatbox", "--replicas=3"])?;
    world.wait_for("there is one replica again", || {
        Ok((deployment(world, "{.spec.replicas}")? == "1").then_some(()))
    })?;
    let edited = "chatbox=registry.example/edited:1";
    world.kubectl(&["set", "image", "deployment/support-chatbox", edited])?;
    world.wait_for("the image is the chosen one again", || {
        Ok((deployment(world, IMAGES)? == IMAGE).then_some(()))
    })?;
    let after = deployment_generation(world)?;
    ensure!(after == before + 4, "each edit takes one repair: {after}");
    roll_out(world)
}

/// Of every kind that has content beside its metadata, apart from the Deployment.
fn content_is_repaired(world: &World<'_>) -> Result<()> {
    let config_map = world.kubectl(&["get", "configmaps", OURS, "--output=name"])?;
    let rows = [
        (
            config_map.trim(),
            "{.data.config\\.json}",
            r#"{"data": {"config.json": "{}"}}"#,
        ),
        (
            "service/support-chatbox",
            "{.spec.ports[0].port}",
            r#"{"spec": {"ports": [{"port": 81}]}}"#,
        ),
        (
            "service/support-chatbox",
            "{.spec.selector}",
            r#"{"spec": {"selector": {"chatbox.dev/name": "x"}}}"#,
        ),
        (
            "serviceaccount/support-chatbox",
            "{.automountServiceAccountToken}",
            r#"{"automountServiceAccountToken": true}"#,
        ),
    ];
    for (name, path, edit) in rows {
        let output = format!("--output=jsonpath={path}");
        let content = || world.kubectl(&["get", name, &output]);
        let before = content()?;
        ensure!(!before.is_empty(), "{name} has no {path}");
        let patch = format!("--patch={edit}");
        world.kubectl(&["patch", name, "--type=merge", &patch])?;
        world.wait_for(&format!("{path} of {name} is as it was"), || {
            Ok((content()? == before).then_some(()))
        })?;
    }
    Ok(())
}

/// What runs was chosen by an older release, and no watch delivers it.
pub(crate) fn an_edited_label_rolls_nothing(world: &World<'_>) -> Result<()> {
    world.apply(&chatbox())?;
    let operator = Operator::start(world)?;
    roll_out(world)?;
    drop(operator);
    let objects = world.kubectl(&["get", "deployments,configmaps", OURS, "--output=name"])?;
    for name in objects.lines() {
        world.kubectl(&["label", name, "chatbox.dev/name-"])?;
    }
    let _operator = Operator::start_with(world, "registry.example/chatbox:0.2.0")?;
    for name in objects.lines() {
        labelled(world, name)?;
    }
    wait_for_condition(world, "Ready", "True", "RolledOut")?;
    ensure!(deployment(world, IMAGES)? == IMAGE, "the image was changed");
    ensure!(deployment_generation(world)? == 1, "the pods were rolled");
    Ok(())
}

const IMAGES: &str = "{.spec.template.spec.containers[*].image}";

fn deployment(world: &World<'_>, path: &str) -> Result<String> {
    let output = format!("--output=jsonpath={path}");
    world.kubectl(&["get", "deployment/support-chatbox", &output])
}

/// Waits until an object has our label again.
fn labelled(world: &World<'_>, name: &str) -> Result<()> {
    world.wait_for(&format!("{name} has our label again"), || {
        let label = "--output=jsonpath={.metadata.labels.chatbox\\.dev/name}";
        Ok((world.kubectl(&["get", name, label])? == "support").then_some(()))
    })
}
