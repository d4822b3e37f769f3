//! What axe finds, in light and dark, from a phone to a desktop. Screenshots of every state go to `target/browser`.

use anyhow::{Result, ensure};
use browser::{ColorScheme, Page, Profile};
use tests::{Provider, World, openai};

use crate::fixture::{COMPLETE, Fixture, LIVE, exchange, open, screenshot_file};

const WIDTHS: [u32; 3] = [360, 768, 1280];

/// Everything that an answer may contain.
const ANSWER: &str = "## Heading\n\nSome **bold** text, `code` and [a link](https://example.org/).\n\n\
    1. one\n2. two\n\n> a quote\n\n| Name | Value |\n|---|---:|\n| a rather long cell to scroll | 1 |\n\n\
    ```yaml\nmodels:\n- id: assistant # a comment that is too long for the screen of a phone, so that it scrolls\n```\n";

pub(crate) async fn light_screens_pass_axe(fixture: &Fixture<'_>) -> Result<()> {
    every_width_passes(fixture, ColorScheme::Light).await
}

pub(crate) async fn dark_screens_pass_axe(fixture: &Fixture<'_>) -> Result<()> {
    every_width_passes(fixture, ColorScheme::Dark).await
}

async fn every_width_passes(fixture: &Fixture<'_>, color_scheme: ColorScheme) -> Result<()> {
    for width in WIDTHS {
        let page = fixture.page_with(&Profile {
            viewport: (width, 800),
            color_scheme,
            ..Profile::default()
        })?;
        every_state_passes(&page, &format!("{color_scheme:?}-{width}").to_lowercase()).await?;
        fixture.close(page);
    }
    Ok(())
}

async fn every_state_passes(page: &Page, screen: &str) -> Result<()> {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.messages_per_minute = 3;
    let world = World::start(config).await;
    open(page, &world.url("/chat.html"))?;
    page.wait_for("#welcome-title")?;
    passes(page, &format!("{screen}-welcome"))?;

    exchange(page, &mut provider, "Show me everything", ANSWER).await?;
    page.send("And more")?;
    provider.call().await.reject(401);
    page.wait_for(".failure .retry")?;
    page.send("Even more")?;
    let stream = provider.call().await.begin();
    stream.push("Of course");
    page.wait_for_text(LIVE, "Of course")?;
    page.send("And too much")?;
    page.wait_for("[data-state=rejected]")?;
    passes(page, &format!("{screen}-chat"))?;
    stream.end();
    page.wait_for_text(COMPLETE, "Of course")?;

    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    page.send("Later")?;
    page.wait_for("[data-state=pending]")?;
    passes(page, &format!("{screen}-offline"))?;
    page.offline(false)?;

    page.open(&format!("{}?token=bad.to.ken", world.url("/chat.html")))?;
    page.wait_for("[role=alert]")?;
    passes(page, &format!("{screen}-closed"))
}

/// The page as it is now passes, and fits the screen.
pub(crate) fn passes(page: &Page, state: &str) -> Result<()> {
    page.wait_until("document.getAnimations().every(({ effect }) => effect.getTiming().iterations === Infinity)")?;
    page.screenshot(&screenshot_file(state))?;
    let violations = page.accessibility()?;
    ensure!(violations.is_empty(), "{state}: {violations:#?}");
    let overflows: bool = page.evaluate(
        "[document.documentElement, document.getElementById('messages-container')] \
            .some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)",
    )?;
    ensure!(!overflows, "{state}: something is wider than the screen");
    Ok(())
}
