//! Input methods, and the length of a message.

use anyhow::{Result, ensure};
use tests::{Provider, World, openai};

use crate::fixture::{COMPLETE, Fixture, no_problems, server};

/// What browsers report of an Enter that ends a composition, in their different orders.
const ENDINGS: [(&str, &str); 3] = [
    (
        "Chrome",
        "start(); key('keydown', 229, true); end(); key('keyup', 13, false);",
    ),
    (
        "Safari",
        "start(); end(); key('keydown', 229, false); key('keyup', 13, false);",
    ),
    (
        "Hangul on macOS",
        "start(); key('keydown', 229, true); end(); key('keydown', 13, false); key('keyup', 13, false);",
    ),
];

pub(crate) async fn an_enter_that_ends_a_composition_does_not_send(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.type_text("こんにちは")?;
    for (browser, events) in ENDINGS {
        page.run(&format!(
            "(() => {{ const field = document.getElementById('message-input'); \
                const start = () => field.dispatchEvent(new CompositionEvent('compositionstart')); \
                const end = () => field.dispatchEvent(new CompositionEvent('compositionend')); \
                const key = (type, keyCode, isComposing) => field.dispatchEvent(new KeyboardEvent(type, \
                    {{ key: 'Enter', code: 'Enter', keyCode, isComposing, bubbles: true, cancelable: true }})); \
                {events} }})()"
        ))?;
        let draft: String = page.evaluate("document.getElementById('message-input').value")?;
        ensure!(draft == "こんにちは", "{browser}: the draft is {draft:?}");
        ensure!(page.count(".message")? == 0, "{browser}: it was sent");
    }
    page.press("Enter")?;
    provider.call().await.reply("はい");
    page.wait_for_text(COMPLETE, "はい")?;
    no_problems(&page)
}

pub(crate) async fn a_message_is_held_to_the_limit_of_the_server(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.message_chars = 2_000;
    let world = World::start(config).await;
    let page = fixture.guest(&world)?;
    // Characters, not halves of surrogate pairs.
    let longest = "😀".repeat(2_000);
    page.fill("#message-input", &format!("{longest}ab"))?;
    page.wait_for_text("#message-hint", "2 too many to send")?;
    page.wait_for("#send-btn:disabled")?;
    page.fill("#message-input", &longest)?;
    page.press("Enter")?;
    let call = provider.call().await;
    ensure!(
        call.messages().last() == Some(&("user", longest.as_str())),
        "another message was sent"
    );
    call.reply("Long.");
    page.wait_for_text(COMPLETE, "Long.")?;
    no_problems(&page)
}
