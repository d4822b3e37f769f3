//! The network goes away and comes back.

use anyhow::{Result, ensure};
use browser::Browser;
use control_plane::world::World;
use serde_json::json;

use super::chat::{self, NAME, demo, said, with};

/// The network is lost in the middle of an answer: the page says so, and once it is back the answer is whole.
pub(crate) fn the_network_is_lost_during_an_answer(world: &World<'_>) -> Result<()> {
    let pace = "/spec/config/models/0/demo/wordsPerSecond";
    world.apply(&with(demo(), pace, json!(10)))?;
    lose_the_network(&chat::page(world, NAME)?)
}

fn lose_the_network(page: &str) -> Result<()> {
    let browser = Browser::start()?.page()?;
    browser.open(page)?;
    browser.wait_for_text("#status-text", "Connected")?;
    browser.send("Tell me something")?;
    browser.wait_for_text(".message.ai[aria-busy=true]", "I am the demo model")?;
    browser.offline(true)?;
    browser.wait_for_text("#status-text", "You are offline")?;
    let before = browser.transcript()?;
    ensure!(
        !before.iter().any(|shown| shown.text.contains(END)),
        "the network was lost too late to interrupt the answer: {before:?}"
    );
    browser.offline(false)?;
    browser.wait_for_text("#status-text", "Connected")?;
    browser.wait_for_text(".message.ai:not([aria-busy=true])", END)?;
    let after = browser.transcript()?;
    ensure!(
        said(&after).len() == 2,
        "something is doubled or lost: {after:?}"
    );
    browser.reload()?;
    browser.wait_for_text(".message.ai", END)?;
    let reloaded = browser.transcript()?;
    ensure!(
        said(&after) == said(&reloaded),
        "a reload shows something else:\n{after:?}\n{reloaded:?}"
    );
    Ok(())
}

/// The last words of the demo model.
const END: &str = "this page stays open meanwhile";
