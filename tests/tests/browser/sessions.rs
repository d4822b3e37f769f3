//! A session is opened again: after a reload, in another tab, on another device.

use anyhow::{Result, ensure};
use tests::{Provider, World, openai};

use crate::fixture::{
    COMPLETE, Fixture, LIVE, connected, exchange, no_problems, open, screenshot_file, server,
    session, shows,
};

pub(crate) async fn a_reload_resumes_an_answer(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "First", "one").await?;
    page.send("Second")?;
    let stream = provider.call().await.begin();
    stream.push("Half of ");
    page.wait_for_text(LIVE, "Half of")?;
    page.reload()?;
    page.wait_for_text(LIVE, "Half of")?;
    stream.push("the answer 👍");
    page.wait_for_text(LIVE, "Half of the answer 👍")?;
    stream.end();
    page.wait_for_text(COMPLETE, "Half of")?;
    let all = [
        ("user", "First"),
        ("ai", "one"),
        ("user", "Second"),
        ("ai", "Half of the answer 👍"),
    ];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(COMPLETE, "Half of")?;
    shows(&page, &all)?;
    no_problems(&page)
}

pub(crate) async fn a_new_chat_is_empty_and_back_shows_the_old_one(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Old question", "old answer").await?;
    let old = session(&page)?;
    page.click("#new-chat-btn")?;
    page.wait_for("#welcome-title")?;
    connected(&page)?;
    exchange(&page, &mut provider, "New question", "new answer").await?;
    ensure!(session(&page)? != old, "the URL names the old session");
    shows(&page, &[("user", "New question"), ("ai", "new answer")])?;
    page.back()?;
    page.wait_for_text(COMPLETE, "old answer")?;
    shows(&page, &[("user", "Old question"), ("ai", "old answer")])?;
    exchange(&page, &mut provider, "Follow-up", "continued").await?;
    shows(
        &page,
        &[
            ("user", "Old question"),
            ("ai", "old answer"),
            ("user", "Follow-up"),
            ("ai", "continued"),
        ],
    )?;
    no_problems(&page)
}

pub(crate) async fn a_second_device_shows_the_same_chat(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let url = format!("{}?token={}", world.url("/chat.html"), world.token("ada"));
    let phone = fixture.page()?;
    open(&phone, &url)?;
    let shown: String = phone.evaluate("location.href")?;
    ensure!(!shown.contains("token"), "the token is still in {shown}");
    exchange(&phone, &mut provider, "From the phone", "one").await?;
    let laptop = fixture.page()?;
    open(&laptop, &url)?;
    laptop.wait_for_text(COMPLETE, "one")?;
    laptop.send("From the laptop")?;
    let stream = provider.call().await.begin();
    stream.push("two");
    for device in [&laptop, &phone] {
        device.wait_for_text(".message.user", "From the laptop")?;
        device.wait_for_text(LIVE, "two")?;
    }
    stream.end();
    for device in [&laptop, &phone] {
        device.wait_until(&format!(
            "document.querySelectorAll('{COMPLETE}').length === 2"
        ))?;
        shows(
            device,
            &[
                ("user", "From the phone"),
                ("ai", "one"),
                ("user", "From the laptop"),
                ("ai", "two"),
            ],
        )?;
        no_problems(device)?;
    }
    Ok(())
}

pub(crate) async fn two_tabs_are_one_guest(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let first = fixture.guest(&world)?;
    exchange(&first, &mut provider, "Hello", "hi").await?;
    let second = fixture.tab(&first)?;
    open(&second, &world.url("/chat.html"))?;
    second.wait_for_text(COMPLETE, "hi")?;
    exchange(&second, &mut provider, "Once more", "again").await?;
    first.wait_until(&format!(
        "document.querySelectorAll('{COMPLETE}').length === 2"
    ))?;
    let all = [
        ("user", "Hello"),
        ("ai", "hi"),
        ("user", "Once more"),
        ("ai", "again"),
    ];
    shows(&first, &all)?;
    shows(&second, &all)
}

pub(crate) async fn a_tab_too_many_is_told_why_and_can_connect_again(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.connections_per_user = 1;
    let world = World::start(config).await;
    let first = fixture.guest(&world)?;
    exchange(&first, &mut provider, "Hello", "hi").await?;
    let second = fixture.tab(&first)?;
    second.open(&world.url("/chat.html"))?;
    second.wait_for_text("[role=alert]", "Close it in another tab, window or device")?;
    second.wait_for_text("#status-text", "Open in too many windows")?;
    second.screenshot(&screenshot_file("too-many-windows"))?;
    ensure!(
        second.accessibility()?.is_empty(),
        "{:?}",
        second.accessibility()?
    );
    fixture.close(first);
    // The server may learn of the end of the first tab after the second has asked again.
    second.run(
        "globalThis.asking = setInterval(() => document.querySelector('[role=alert] button')?.click(), 200)",
    )?;
    connected(&second)?;
    second.run("clearInterval(globalThis.asking)")?;
    second.wait_for_text(COMPLETE, "hi")?;
    exchange(&second, &mut provider, "Once more", "again").await?;
    shows(
        &second,
        &[
            ("user", "Hello"),
            ("ai", "hi"),
            ("user", "Once more"),
            ("ai", "again"),
        ],
    )
}
