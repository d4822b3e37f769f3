//! Questions and answers.

use anyhow::{Result, ensure};
use browser::{Page, Profile};
use tests::{Provider, World, openai};

use crate::fixture::{COMPLETE, Fixture, LIVE, exchange, no_problems, open, server, shows};

pub(crate) async fn an_answer_streams_and_ends(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.wait_for_text("#welcome-title", "How can Fast help you?")?;
    page.send("Is anybody there?")?;
    let stream = provider.call().await.begin();
    page.wait_for(".typing")?;
    page.wait_for_text(".message.user .meta", "Sent")?;
    stream.push("Yes, ");
    page.wait_for_text(LIVE, "Yes,")?;
    stream.push("I **am**.");
    page.wait_for_text(&format!("{LIVE} strong"), "am")?;
    stream.end();
    page.wait_for(COMPLETE)?;
    shows(
        &page,
        &[("user", "Is anybody there?"), ("ai", "Yes, I am.")],
    )?;
    let title: String = page.evaluate("document.title")?;
    ensure!(title == "Chat with Fast", "{title}");
    no_problems(&page)
}

/// An answer that tries to run code and to load from another host.
const HOSTILE: &str = "# Title\n\n<script>window.attacked = true</script>\n\n\
    <img src=\"https://attacker.example/x\" onerror=\"window.attacked = true\">\n\n\
    ![cat](https://attacker.example/cat.png) [run](javascript:window.attacked=true) [site](https://example.org/)\n\n\
    | a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\nfn main() {\n    println!(\"<b>\");\n}\n```\n";

pub(crate) async fn markdown_is_rendered_safely(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Show me", HOSTILE).await?;
    for (selector, expected) in [
        ("h2", 1),
        ("td", 2),
        (".code pre code", 1),
        ("script, img, svg:not(.icon), iframe", 0),
        ("[onerror]", 0),
        ("a[href^='javascript:']", 0),
        (
            "a[href='https://example.org/'][target=_blank][rel~=noopener]",
            1,
        ),
    ] {
        let found = page.count(&format!(".message.ai .markdown :is({selector})"))?;
        ensure!(found == expected, "{found} elements match {selector}");
    }
    page.wait_for_text(".code figcaption", "rust")?;
    page.wait_for_text(".code code", "println!(\"<b>\");")?;
    page.click(".code .copy")?;
    page.wait_for_text(".code .copy", "Copied")?;
    ensure!(
        !page.evaluate::<bool>("'attacked' in window")?,
        "code of the answer ran"
    );
    no_problems(&page)
}

pub(crate) async fn a_failed_answer_offers_a_retry(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Can you hear me?")?;
    provider.call().await.reject(401);
    page.wait_for_text(".failure", "The assistant could not be reached.")?;
    page.click(".failure .retry")?;
    provider.call().await.reply("Now I can.");
    page.wait_for_text(COMPLETE, "Now I can.")?;
    ensure!(
        page.count(".retry")? == 0,
        "a question that was repeated is offered again"
    );
    no_problems(&page)
}

pub(crate) async fn an_answer_that_breaks_off_keeps_its_text(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me a story")?;
    let stream = provider.call().await.begin();
    stream.push("Once upon a ");
    page.wait_for_text(LIVE, "Once upon a")?;
    stream.cut();
    page.wait_for_text(".failure", "The assistant could not be reached.")?;
    page.wait_for_text(COMPLETE, "Once upon a")?;
    page.reload()?;
    page.wait_for_text(".failure", "This answer could not be finished.")?;
    page.wait_for(".failure .retry")?;
    shows(&page, &[("user", "Tell me a story"), ("ai", "Once upon a")])
}

pub(crate) async fn a_rejected_message_can_be_removed(fixture: &Fixture<'_>) -> Result<()> {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.messages_per_minute = 1;
    let world = World::start(config).await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "One", "first").await?;
    page.send("Two")?;
    page.wait_for_text(
        ".message[data-state=rejected] .meta",
        "too many messages in a short time",
    )?;
    page.wait_for_text(
        ".message[data-state=rejected] .meta",
        "Trying again shortly",
    )?;
    remove(&page, "Two")?;
    page.reload()?;
    page.wait_for_text(COMPLETE, "first")?;
    shows(&page, &[("user", "One"), ("ai", "first")])?;
    ensure!(provider.is_idle(), "the rejected message reached the model");
    no_problems(&page)
}

pub(crate) async fn a_rejected_message_can_be_edited(fixture: &Fixture<'_>) -> Result<()> {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.messages_per_minute = 1;
    let world = World::start(config).await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "One", "first").await?;
    page.send("Two")?;
    page.wait_for("[data-state=rejected]")?;
    page.fill("#message-input", "and three")?;
    page.click("[data-state=rejected] .link:nth-last-child(2)")?;
    page.wait_until("document.getElementById('message-input').value === 'Two\\nand three'")?;
    page.wait_until("document.activeElement.id === 'message-input'")?;
    shows(&page, &[("user", "One"), ("ai", "first")])?;
    no_problems(&page)
}

pub(crate) async fn a_message_that_is_too_long_cannot_be_sent(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    let longest = "x".repeat(10_000);
    page.fill("#message-input", &format!("{longest}yz"))?;
    page.wait_for_text("#message-hint", "2 too many to send")?;
    page.wait_for("#send-btn:disabled")?;
    page.press("Enter")?;
    page.fill("#message-input", &longest)?;
    page.press("Enter")?;
    let call = provider.call().await;
    ensure!(
        call.messages().last() == Some(&("user", longest.as_str())),
        "another message was sent"
    );
    call.reply("Long.");
    page.wait_for_text(COMPLETE, "Long.")
}

pub(crate) async fn a_refused_copy_is_told(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let script = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError')); \
        Document.prototype.execCommand = () => false;";
    let page = fixture.page_with(&Profile {
        init_script: Some(script.to_owned()),
        ..Profile::default()
    })?;
    open(&page, &world.url("/chat.html"))?;
    exchange(&page, &mut provider, "Show me", "```\nlet x = 1;\n```").await?;
    page.click(".code .copy")?;
    page.wait_for_text(".code .copy", "The browser refused. The code is selected")?;
    let selected: String = page.evaluate("getSelection().toString()")?;
    ensure!(selected == "let x = 1;", "{selected:?} is selected");
    no_problems(&page)
}

fn remove(page: &Page, text: &str) -> Result<()> {
    page.click(".message[data-state=rejected] .link:last-child")?;
    page.wait_until(&format!(
        "![...document.querySelectorAll('.message.user .bubble')].some(({{ innerText }}) => innerText === '{text}')"
    ))
}
