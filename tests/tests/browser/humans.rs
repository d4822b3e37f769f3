//! A member of staff takes the conversation over: how the visitor sees it, and asks for it.

use anyhow::{Result, ensure};
use browser::{ColorScheme, Page, Profile};
use serde_json::json;
use tests::{Client, World};

use crate::accessibility::passes;
use crate::fixture::{
    COMPLETE, Fixture, LIVE, connected, exchange, has_focus, no_problems, open, server, session,
    shows,
};
use crate::models::two_models;

const BANNER: &str = "#admin-name-display";
const ASKED: &str = "You have asked to talk to a human.";
const JOINED: &str = "admin has joined the conversation.";
const LEFT: &str = "admin has left the conversation.";
/// Selects lines of the system.
const LINE: &str = "#messages-container .message.system";
const IS_DISABLED: &str = "document.getElementById('help-btn').disabled";
/// What a visitor may do about an answer, or while one is waited for.
const OFFERS: &str = ".typing, #stop-btn, .edit, .quiet, .retry";

/// A member of staff who has taken over the conversation of this page.
async fn joined(world: &World, page: &Page) -> Result<Client> {
    let mut admin = world.connect("admin", "").await;
    admin
        .send(json!({"type": "admin_join", "session_id": session(page)?}))
        .await;
    admin.wait_for("admin_join").await;
    page.wait_for_text(BANNER, "Assisted by admin")?;
    Ok(admin)
}

async fn leave(admin: &mut Client, page: &Page) -> Result<()> {
    admin
        .send(json!({"type": "admin_leave", "session_id": session(page)?}))
        .await;
    admin.wait_for("admin_leave").await;
    page.wait_until("!document.getElementById('admin-name-display')")
}

pub(crate) async fn a_human_takes_over_and_hands_back(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = two_models().await;
    let page = fixture.guest(&world)?;
    page.send("Where is my parcel?")?;
    let stream = provider.call().await.begin();
    stream.push("It may be ");
    page.wait_for_text(LIVE, "It may be")?;
    let mut admin = joined(&world, &page).await?;
    stream.dropped().await;
    page.wait_for_text(".failure.remark", "A member of our staff took over.")?;
    ensure!(
        page.count("#model-selector")? == 0,
        "a model may be chosen while none answers"
    );

    let id = session(&page)?;
    admin.say(&id, "a1", "It is at the *door*.").await;
    page.wait_for_text(COMPLETE, "It is at the *door*.")?;
    page.wait_for_text("p[aria-live=polite]", "admin says: It is at the *door*.")?;
    page.send("Thank you!")?;
    admin.wait_for("user_message").await;
    page.wait_for_text(".message.user .meta", "Sent")?;
    ensure!(page.count(OFFERS)? == 0, "something is waited for");
    ensure!(provider.is_idle(), "a model is asked");
    let mut all = vec![
        ("user", "Where is my parcel?"),
        ("ai", "It may be"),
        ("system", JOINED),
        ("ai", "It is at the *door*."),
        ("user", "Thank you!"),
    ];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(BANNER, "Assisted by admin")?;
    shows(&page, &all)?;
    ensure!(page.count(OFFERS)? == 0, "something is waited for");

    leave(&mut admin, &page).await?;
    all.push(("system", LEFT));
    shows(&page, &all)?;
    page.wait_for("#model-selector")?;
    ensure!(page.count(OFFERS)? == 0, "no model has answered");
    exchange(&page, &mut provider, "And the invoice?", "Here.").await?;
    all.extend([("user", "And the invoice?"), ("ai", "Here.")]);
    shows(&page, &all)?;
    no_problems(&page)
}

pub(crate) async fn an_answer_without_a_word_leaves_nothing_when_a_human_comes(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Hello?")?;
    let call = provider.call().await;
    page.wait_for(".typing")?;
    let _admin = joined(&world, &page).await?;
    call.dropped().await;
    let all = [("user", "Hello?"), ("system", JOINED)];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(BANNER, "Assisted by admin")?;
    shows(&page, &all)
}

pub(crate) async fn a_visitor_asks_for_a_human_once(fixture: &Fixture<'_>) -> Result<()> {
    let (world, _provider) = server().await;
    let page = fixture.guest(&world)?;
    page.click("#help-btn")?;
    page.wait_for_text(LINE, ASKED)?;
    page.wait_until(IS_DISABLED)?;
    has_focus(&page, "message-input")?;
    shows(&page, &[("system", ASKED)])?;
    page.reload()?;
    page.wait_for_text(LINE, ASKED)?;
    page.wait_until(IS_DISABLED)?;
    let (_, waiting) = world.get("admin", "/admin/help-requests").await;
    let id = session(&page)?;
    ensure!(
        waiting["count"] == 1 && waiting["sessions"][0]["id"] == id,
        "{waiting}"
    );
    let mut admin = joined(&world, &page).await?;
    page.wait_until(IS_DISABLED)?;
    leave(&mut admin, &page).await?;
    page.wait_until(&format!("!{IS_DISABLED}"))?;
    shows(
        &page,
        &[("system", ASKED), ("system", JOINED), ("system", LEFT)],
    )?;
    no_problems(&page)
}

pub(crate) async fn a_human_who_was_asked_for_offline_is_asked_for_later(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Question", "answer").await?;
    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    page.click("#help-btn")?;
    page.wait_for_text(LINE, "Asking for a human")?;
    page.wait_until(IS_DISABLED)?;
    page.offline(false)?;
    page.wait_for_text(LINE, ASKED)?;
    shows(
        &page,
        &[("user", "Question"), ("ai", "answer"), ("system", ASKED)],
    )
}

pub(crate) async fn both_sides_see_who_is_writing(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Question", "answer").await?;
    let mut admin = joined(&world, &page).await?;
    page.type_text("Hello")?;
    let typing = admin.wait_for("typing_indicator").await;
    ensure!(typing["sender"] == "user", "{typing}");
    admin.send(json!({"type": "typing_indicator"})).await;
    page.wait_for_text("#staff-typing", "admin is writing")?;
    let id = session(&page)?;
    admin.say(&id, "a1", "Good morning").await;
    page.wait_for_text(COMPLETE, "Good morning")?;
    page.wait_until("!document.getElementById('staff-typing')")?;
    no_problems(&page)
}

pub(crate) async fn a_connection_that_is_lost_misses_nothing_of_staff(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Question", "answer").await?;
    let mut admin = joined(&world, &page).await?;
    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    let id = session(&page)?;
    admin.say(&id, "a1", "Are you there?").await;
    admin.wait_for("ack").await;
    admin
        .send(json!({"type": "admin_leave", "session_id": id}))
        .await;
    admin.wait_for("admin_leave").await;
    page.wait_for_text(BANNER, "Assisted by admin")?;
    page.offline(false)?;
    page.wait_until("!document.getElementById('admin-name-display')")?;
    connected(&page)?;
    shows(
        &page,
        &[
            ("user", "Question"),
            ("ai", "answer"),
            ("system", JOINED),
            ("ai", "Are you there?"),
            ("system", LEFT),
        ],
    )
}

/// In light and dark, with a mouse and with fingers.
pub(crate) async fn a_conversation_with_a_human_passes_axe(fixture: &Fixture<'_>) -> Result<()> {
    for (color_scheme, touch, width) in [
        (ColorScheme::Light, false, 1280),
        (ColorScheme::Dark, true, 360),
    ] {
        let page = fixture.page_with(&Profile {
            viewport: (width, 800),
            color_scheme,
            touch,
            ..Profile::default()
        })?;
        let screen = format!("{color_scheme:?}-{width}").to_lowercase();
        a_human_on_this_screen_passes(&page, &screen).await?;
        fixture.close(page);
    }
    Ok(())
}

async fn a_human_on_this_screen_passes(page: &Page, screen: &str) -> Result<()> {
    let (world, mut provider) = two_models().await;
    open(page, &world.url("/chat.html"))?;
    exchange(page, &mut provider, "Question", "answer").await?;
    page.click("#help-btn")?;
    page.wait_for_text(LINE, ASKED)?;
    passes(page, &format!("{screen}-asked"))?;
    let mut admin = joined(&world, page).await?;
    let id = session(page)?;
    admin.say(&id, "a1", "Good morning").await;
    page.wait_for_text(COMPLETE, "Good morning")?;
    admin.send(json!({"type": "typing_indicator"})).await;
    page.wait_for("#staff-typing")?;
    passes(page, &format!("{screen}-assisted"))
}
