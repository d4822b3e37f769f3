//! The driver itself: if this fails, the other scenarios prove nothing.

use anyhow::{Result, ensure};

use crate::fixture::{Fixture, shows};

/// A page with the ids of the real one, which answers by repeating.
const ECHO: &str = "data:text/html,<div id=messages-container></div><input id=message-input><button id=send-btn \
    onclick=\"for (const sender of ['user', 'ai']) document.getElementById('messages-container').innerHTML += \
    `<article class='message ${sender}'><div class=bubble>${document.getElementById('message-input').value}</div></article>`\">Send</button>";

pub(crate) async fn a_page_reads_what_it_sent(fixture: &Fixture<'_>) -> Result<()> {
    let page = fixture.page()?;
    page.open(ECHO)?;
    page.send("good morning")?;
    page.wait_for_text(".message.ai", "good morning")?;
    shows(&page, &[("user", "good morning"), ("ai", "good morning")])?;
    let problems = page.accessibility()?;
    ensure!(
        problems.iter().any(|problem| problem.rule == "label"),
        "axe misses that the field has no label: {problems:?}"
    );
    page.reload()?;
    ensure!(
        page.count(".message")? == 0,
        "a reload keeps what it cannot"
    );
    Ok(())
}
