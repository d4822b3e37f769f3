//! What somebody else has done to our objects is undone.

use anyhow::{Result, ensure};
use e2e::world::World;

use crate::program::{IMAGE, Operator};
use crate::script::{CHILDREN, OURS, chatbox, deployment_generation, roll_out, says};

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
