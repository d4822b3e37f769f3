//! Keyboard and screen reader.

use anyhow::{Result, ensure};
use browser::Profile;

use crate::fixture::{
    COMPLETE, Fixture, LIVE, connected, exchange, has_focus, no_problems, open, server, shows,
};

pub(crate) async fn a_chat_needs_no_mouse(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    has_focus(&page, "message-input")?;
    page.type_text("First line")?;
    page.press("Shift+Enter")?;
    page.type_text("second line")?;
    page.press("Escape")?;
    let draft: String = page.evaluate("document.activeElement.value")?;
    ensure!(draft == "First line\nsecond line", "the draft is {draft:?}");
    page.press("Enter")?;
    provider.call().await.reply("one");
    page.wait_for(COMPLETE)?;
    shows(&page, &[("user", "First line\nsecond line"), ("ai", "one")])?;
    has_focus(&page, "message-input")?;
    page.press("Enter")?;
    ensure!(
        page.count(".message.user")? == 1,
        "an empty message was sent"
    );
    // Over the buttons below the answer and the question, and the list.
    for _ in 0..4 {
        page.press("Shift+Tab")?;
    }
    has_focus(&page, "new-chat-btn")?;
    page.press("Enter")?;
    page.wait_for("#welcome-title")?;
    connected(&page)?;
    has_focus(&page, "message-input")?;
    for _ in 0..3 {
        page.press("Shift+Tab")?;
    }
    let suggestion: String = page.evaluate("document.activeElement.textContent.trim()")?;
    page.press("Enter")?;
    has_focus(&page, "message-input")?;
    page.press("Enter")?;
    provider.call().await.reply("two");
    page.wait_for(COMPLETE)?;
    shows(&page, &[("user", &suggestion), ("ai", "two")])?;
    no_problems(&page)
}

pub(crate) async fn every_control_is_reached_in_order(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    let answer = "[a link](https://example.org/)\n\n```\ncode\n```\n\n| a |\n|---|\n| b |";
    exchange(&page, &mut provider, "Show me", answer).await?;
    page.type_text("a draft")?;
    page.run("document.querySelector('button').focus()")?;
    let mut order = Vec::new();
    for _ in 0..11 {
        order.push(page.evaluate::<String>(
            "(({ id, tagName, textContent }) => id || `${tagName.toLowerCase()} ${textContent.trim().slice(0, 20)}`)(document.activeElement)",
        )?);
        let outline: bool = page.evaluate(
            "(() => { const style = (element) => getComputedStyle(element).outlineStyle; \
              const { activeElement } = document; \
              return style(activeElement) !== 'none' || style(activeElement.parentElement) !== 'none'; })()",
        )?;
        ensure!(outline, "the focus on {:?} cannot be seen", order.last());
        page.press("Tab")?;
    }
    let expected = [
        "new-chat-btn",
        "messages-container",
        "button Edit",
        "a a link",
        "button Copy",
        "pre code",
        "table a\n\n\nb",
        "button Try again",
        "message-input",
        "send-btn",
        "help-btn",
    ];
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        order
            .iter()
            .map(|text| plain(text))
            .eq(expected.iter().map(|text| plain(text))),
        "{order:?}"
    );
    Ok(())
}

/// Records the texts of the live region from the start.
const RECORDER: &str = "window.announced = []; new MutationObserver(() => { \
    const text = document.querySelector('p[aria-live=polite]')?.textContent.trim(); \
    if (text && text !== window.announced.at(-1)) window.announced.push(text); \
    }).observe(document, { subtree: true, childList: true, characterData: true });";

pub(crate) async fn a_screen_reader_announces_each_answer_once(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.page_with(&Profile {
        init_script: Some(RECORDER.to_owned()),
        ..Profile::default()
    })?;
    open(&page, &world.url("/chat.html"))?;
    page.send("Hello?")?;
    let stream = provider.call().await.begin();
    for part in ["**Good** ", "morning, ", "Ada."] {
        stream.push(part);
        page.wait_for_text(
            LIVE,
            part.trim_matches(['*', ' '])
                .split('*')
                .next()
                .unwrap_or_default(),
        )?;
    }
    stream.end();
    page.wait_for(COMPLETE)?;
    page.send("And now?")?;
    let call = provider.call().await;
    page.wait_for(".typing")?;
    call.reject(401);
    page.wait_for(".failure")?;
    page.wait_until("window.announced.length >= 4")?;
    let announced: Vec<String> = page.evaluate("window.announced")?;
    let expected = [
        "Fast is writing",
        "Fast says: Good morning, Ada.",
        "Fast is writing",
        "Fast says: This answer could not be finished.",
    ];
    ensure!(announced == expected, "{announced:?}");
    Ok(())
}
