//! Lost networks, broken connections, and a killed server.

use anyhow::{Result, ensure};
use tests::{Process, Provider, openai};

use crate::fixture::{COMPLETE, Fixture, LIVE, connected, exchange, open, server, session, shows};
use tests::Proxy;

const BINARY: &str = env!("CARGO_BIN_EXE_server");

pub(crate) async fn an_answer_goes_on_after_the_network_was_lost(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me something")?;
    let stream = provider.call().await.begin();
    stream.push("Before, ");
    page.wait_for_text(LIVE, "Before,")?;
    page.offline(true)?;
    stream.push("during, ");
    page.wait_for_text("#status-text", "You are offline")?;
    shows(&page, &[("user", "Tell me something"), ("ai", "Before,")])?;
    page.offline(false)?;
    connected(&page)?;
    page.wait_for_text(LIVE, "Before, during,")?;
    stream.push("after.");
    stream.end();
    page.wait_for(COMPLETE)?;
    let all = [
        ("user", "Tell me something"),
        ("ai", "Before, during, after."),
    ];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for(COMPLETE)?;
    shows(&page, &all)
}

pub(crate) async fn a_message_sent_offline_arrives_once(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "First", "one").await?;
    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    page.send("Second")?;
    page.send("Third")?;
    page.wait_for_text(
        ".message.user .meta",
        "Will be sent when the connection is back",
    )?;
    page.offline(false)?;
    let call = provider.call().await;
    page.wait_until("!document.querySelector('[data-state=pending]')")?;
    ensure!(
        call.messages().last() == Some(&("user", "Second")),
        "{:?}",
        call.messages()
    );
    call.reply("two");
    let call = provider.call().await;
    ensure!(
        call.messages().last() == Some(&("user", "Third")),
        "{:?}",
        call.messages()
    );
    call.reply("three");
    page.wait_for_text(COMPLETE, "three")?;
    let all = [
        ("user", "First"),
        ("ai", "one"),
        ("user", "Second"),
        ("user", "Third"),
        ("ai", "two"),
        ("ai", "three"),
    ];
    shows(&page, &all)?;
    ensure!(
        page.count("[data-state=pending]")? == 0,
        "a message is still pending"
    );
    ensure!(provider.is_idle(), "a message reached the model twice");
    page.reload()?;
    page.wait_for_text(COMPLETE, "three")?;
    shows(&page, &all)
}

pub(crate) async fn a_pending_message_survives_its_tab(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "First", "one").await?;
    let url = format!("{}?session_id={}", world.url("/chat.html"), session(&page)?);
    let next = fixture.tab(&page)?;
    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    page.send("Second")?;
    page.wait_for("[data-state=pending]")?;
    fixture.close(page);
    next.offline(false)?;
    open(&next, &url)?;
    provider.call().await.reply("two");
    next.wait_for_text(COMPLETE, "two")?;
    shows(
        &next,
        &[
            ("user", "First"),
            ("ai", "one"),
            ("user", "Second"),
            ("ai", "two"),
        ],
    )?;
    let left: u64 =
        next.evaluate("Object.keys(localStorage).filter((key) => key.includes('pending')).length")?;
    ensure!(left == 0, "{left} messages stayed in the browser's storage");
    Ok(())
}

pub(crate) async fn a_lost_acknowledgement_doubles_nothing(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let proxy = Proxy::start(world.public).await;
    let page = fixture.page()?;
    open(&page, &proxy.page())?;
    exchange(&page, &mut provider, "First", "one").await?;
    proxy.hold_replies(world.public);
    page.send("Second")?;
    provider.call().await.reply("two");
    page.wait_for_text("[data-state=pending] .meta", "Sending")?;
    proxy.cut();
    page.wait_for_text("#status-text", "Reconnecting")?;
    proxy.forward_to(world.public);
    page.wait_for_text(COMPLETE, "two")?;
    shows(
        &page,
        &[
            ("user", "First"),
            ("ai", "one"),
            ("user", "Second"),
            ("ai", "two"),
        ],
    )?;
    ensure!(provider.is_idle(), "the question reached the model twice");
    Ok(())
}

pub(crate) async fn a_killed_server_loses_and_doubles_nothing(fixture: &Fixture<'_>) -> Result<()> {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir()?;
    let config = openai(&provider);
    let mut process = Process::start(BINARY, &home, &config).await;
    let proxy = Proxy::start(process.public.parse()?).await;
    let page = fixture.page()?;
    open(&page, &proxy.page())?;
    exchange(&page, &mut provider, "First", "one").await?;
    page.send("Second")?;
    let stream = provider.call().await.begin();
    stream.push("Half an ");
    page.wait_for_text(LIVE, "Half an")?;
    process.logged("checkpoint kept").await;
    process.kill().await;
    page.wait_for_text("#status-text", "Reconnecting")?;
    page.send("Third")?;
    page.wait_for_text(
        ".message.user .meta",
        "Will be sent when the connection is back",
    )?;

    let process = Process::start(BINARY, &home, &config).await;
    proxy.forward_to(process.public.parse()?);
    page.wait_for_text(".failure", "This answer was interrupted.")?;
    provider.call().await.reply("three");
    page.wait_for_text(COMPLETE, "three")?;
    let all = [
        ("user", "First"),
        ("ai", "one"),
        ("user", "Second"),
        ("ai", "Half an"),
        ("user", "Third"),
        ("ai", "three"),
    ];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(COMPLETE, "three")?;
    shows(&page, &all)
}
