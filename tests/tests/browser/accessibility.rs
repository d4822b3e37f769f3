//! What axe finds, in light and dark, from a phone to a desktop. Pictures of every state go to `target/browser`.

use anyhow::{Result, ensure};
use browser::{ColorScheme, Page, Profile};

use crate::fixture::{COMPLETE, Fixture, LIVE, exchange, open, picture, server};

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
            init_script: None,
        })?;
        every_state_passes(&page, &format!("{color_scheme:?}-{width}").to_lowercase()).await?;
        fixture.close(page);
    }
    Ok(())
}

async fn every_state_passes(page: &Page, screen: &str) -> Result<()> {
    let (world, mut provider) = server().await;
    open(page, &world.url("/chat.html"))?;
    page.wait_for("#welcome-title")?;
    passes(page, &format!("{screen}-welcome"))?;

    exchange(page, &mut provider, "Show me everything", ANSWER).await?;
    page.send("And more")?;
    provider.call().await.refuse(401);
    page.wait_for(".failure .retry")?;
    page.send("Even more")?;
    let speech = provider.call().await.begin();
    speech.say("Of course");
    page.wait_for_text(LIVE, "Of course")?;
    passes(page, &format!("{screen}-chat"))?;
    speech.end();
    page.wait_for_text(COMPLETE, "Of course")?;

    page.open(&format!("{}?token=bad.to.ken", world.url("/chat.html")))?;
    page.wait_for("[role=alert]")?;
    passes(page, &format!("{screen}-closed"))
}

fn passes(page: &Page, state: &str) -> Result<()> {
    page.wait_until("document.getAnimations().every(({ effect }) => effect.getTiming().iterations === Infinity)")?;
    page.screenshot(&picture(state))?;
    let violations = page.accessibility()?;
    ensure!(violations.is_empty(), "{state}: {violations:#?}");
    let overflows: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")?;
    ensure!(!overflows, "{state}: the page scrolls sideways");
    Ok(())
}
