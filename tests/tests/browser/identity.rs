//! Expired and invalid tokens.

use anyhow::{Context, Result, ensure};
use browser::Page;
use chatbox::auth::Keys;
use chatbox::auth::keys::Claims;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tests::{World, demo, documents};

use crate::fixture::{COMPLETE, Fixture, connected, exchange, open, server, shows};

const STORED: &str = "chatbox:/chatbox:guest";

pub(crate) async fn an_expired_guest_is_renewed(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Remember me", "I will").await?;
    let ended = Timestamp::now() - SignedDuration::from_mins(5);
    let user = store_token(&page, &world, ended, ended)?;
    page.reload()?;
    connected(&page)?;
    page.wait_for_text(COMPLETE, "I will")?;
    renewed(&page, &user, ended)
}

/// The page believes that its token is good for an hour, as with a clock that is wrong.
pub(crate) async fn a_token_that_ends_during_a_chat_is_renewed(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "First", "one").await?;
    let end = Timestamp::now() + SignedDuration::from_secs(3);
    let believed = end + SignedDuration::from_hours(1);
    let user = store_token(&page, &world, end, believed)?;
    page.reload()?;
    connected(&page)?;
    page.wait_until(&format!(
        "JSON.parse(localStorage.getItem('{STORED}')).expires_at !== '{believed}'"
    ))?;
    exchange(&page, &mut provider, "Second", "two").await?;
    shows(
        &page,
        &[
            ("user", "First"),
            ("ai", "one"),
            ("user", "Second"),
            ("ai", "two"),
        ],
    )?;
    renewed(&page, &user, end)
}

pub(crate) async fn a_guest_who_cannot_be_renewed_gets_a_new_chat(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Remember me", "I will").await?;
    let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 60);
    store_token(&page, &world, long_ago, long_ago)?;
    page.reload()?;
    page.wait_for_text(
        ".message.system",
        "Your earlier chat can no longer be opened",
    )?;
    connected(&page)?;
    exchange(&page, &mut provider, "Who am I?", "Somebody new").await?;
    shows(&page, &[("user", "Who am I?"), ("ai", "Somebody new")])
}

pub(crate) async fn a_bad_token_is_explained(fixture: &Fixture<'_>) -> Result<()> {
    let (world, _provider) = server().await;
    let page = fixture.page()?;
    page.open(&format!("{}?token=not.a.token", world.url("/chat.html")))?;
    page.wait_for_text("[role=alert]", "Your sign-in has ended")?;
    page.wait_for_text("#status-text", "Signed out")?;
    page.wait_for("#message-input:disabled")
}

pub(crate) async fn without_guests_a_sign_in_is_asked_for(fixture: &Fixture<'_>) -> Result<()> {
    let mut config = demo();
    config.auth.guests = None;
    let world = World::start(config).await;
    let page = fixture.page()?;
    page.open(&world.url("/chat.html"))?;
    page.wait_for_text("[role=alert]", "Please sign in first")?;
    open(
        &page,
        &format!("{}?token={}", world.url("/chat.html"), world.token("ada")),
    )
}

/// Replaces the stored guest's token by one that ends at `end`. Returns the guest's id.
fn store_token(page: &Page, world: &World, end: Timestamp, believed: Timestamp) -> Result<String> {
    let user: String = page.evaluate(&format!(
        "JSON.parse(localStorage.getItem('{STORED}')).user_id"
    ))?;
    let claims = Claims {
        user_id: user.clone(),
        roles: vec!["guest".to_owned()],
        exp: end.as_second(),
        guest: true,
    };
    let home = tempfile::tempdir()?;
    documents(home.path(), &world.config);
    let token = Keys::load(&world.config.auth, &home.path().join("secrets"))?.sign(&claims)?;
    let guest = json!({"token": token, "user_id": user, "expires_at": believed.to_string()});
    page.run(&format!(
        "localStorage.setItem('{STORED}', JSON.stringify({guest}))"
    ))?;
    Ok(user)
}

/// The stored token is a fresh one of the same guest.
fn renewed(page: &Page, user: &str, before: Timestamp) -> Result<()> {
    let guest: serde_json::Value =
        page.evaluate(&format!("JSON.parse(localStorage.getItem('{STORED}'))"))?;
    ensure!(guest["user_id"] == user, "another guest: {guest}");
    let end: Timestamp = guest["expires_at"].as_str().context("an end")?.parse()?;
    ensure!(
        end > before && end > Timestamp::now(),
        "the token ended at {end}"
    );
    Ok(())
}
