//! Whose an object is, and how long it lives.

use anyhow::{Result, ensure};
use e2e::world::World;
use serde_json::json;

use crate::program::Operator;
use crate::script::{CHILDREN, OURS, chatbox, roll_out, says};

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
