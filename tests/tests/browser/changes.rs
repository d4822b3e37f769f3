//! What a visitor changes: an answer that is stopped or given once more, a question in other words.

use std::rc::Rc;

use anyhow::{Result, ensure};
use browser::{ColorScheme, Page, Profile};
use tests::{Provider, Proxy, World};

use crate::accessibility::passes;
use crate::fixture::{
    COMPLETE, Fixture, LIVE, exchange, has_focus, no_problems, open, server, shows,
};
use crate::models::{has_model, two_models};

const STOPPED: &str = "You stopped this answer.";
/// Selects the button below the newest answer.
const AGAIN: &str = ".message.ai .quiet";
const EDITOR: &str = ".editor textarea";

/// The same user on two devices, in one chat with one question and its answer.
async fn two_devices(
    fixture: &Fixture<'_>,
    world: &World,
    provider: &mut Provider,
) -> Result<[Rc<Page>; 2]> {
    let url = format!("{}?token={}", world.url("/chat.html"), world.token("ada"));
    let phone = fixture.page()?;
    open(&phone, &url)?;
    exchange(&phone, provider, "Question", "old answer").await?;
    let laptop = fixture.page()?;
    open(&laptop, &url)?;
    laptop.wait_for_text(COMPLETE, "old answer")?;
    Ok([phone, laptop])
}

pub(crate) async fn an_answer_is_stopped(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me all")?;
    let stream = provider.call().await.begin();
    stream.push("Once upon a ");
    page.wait_for_text(LIVE, "Once upon a")?;
    page.click("#stop-btn")?;
    stream.dropped().await;
    page.wait_for_text(".failure.remark", STOPPED)?;
    page.wait_for_text("p[aria-live=polite]", "Answer stopped")?;
    has_focus(&page, "message-input")?;
    ensure!(page.count("#stop-btn")? == 0, "there is nothing to stop");
    let all = [("user", "Tell me all"), ("ai", "Once upon a")];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(".failure.remark", STOPPED)?;
    shows(&page, &all)?;
    exchange(&page, &mut provider, "Briefly", "The end.").await?;
    no_problems(&page)
}

pub(crate) async fn escape_stops_an_answer_before_its_first_word(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me all")?;
    let call = provider.call().await;
    page.wait_for(".typing")?;
    has_focus(&page, "message-input")?;
    page.type_text("a draft")?;
    page.press("Escape")?;
    page.press("Escape")?;
    call.dropped().await;
    page.wait_for_text(".failure.remark", STOPPED)?;
    ensure!(
        page.count(".message.ai .bubble")? == 0,
        "an answer without a word has a bubble"
    );
    let draft: String = page.evaluate("document.getElementById('message-input').value")?;
    ensure!(draft == "a draft", "the draft is {draft:?}");
    no_problems(&page)
}

pub(crate) async fn an_escape_that_closes_the_list_of_models_stops_nothing(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = two_models().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me all")?;
    let stream = provider.call().await.begin();
    stream.push("Once upon ");
    page.wait_for_text(LIVE, "Once upon")?;
    page.run("document.getElementById('model-selector').focus()")?;
    page.press("Alt+ArrowDown")?;
    page.wait_until("document.getElementById('model-selector').matches(':open')")?;
    page.press("Escape")?;
    page.wait_until("!document.getElementById('model-selector').matches(':open')")?;
    stream.push("a time");
    page.wait_for_text(LIVE, "Once upon a time")?;
    ensure!(
        page.count("#stop-btn[aria-disabled=true]")? == 0,
        "the answer is being stopped"
    );
    page.press("Escape")?;
    stream.dropped().await;
    page.wait_for_text(".failure.remark", STOPPED)
}

pub(crate) async fn a_stop_is_asked_for_again_after_a_lost_connection(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me all")?;
    let stream = provider.call().await.begin();
    stream.push("Once upon a ");
    page.wait_for_text(LIVE, "Once upon a")?;
    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    page.click("#stop-btn")?;
    page.wait_for("#stop-btn[aria-disabled=true]")?;
    page.offline(false)?;
    stream.dropped().await;
    page.wait_for_text(".failure.remark", STOPPED)?;
    shows(&page, &[("user", "Tell me all"), ("ai", "Once upon a")])
}

pub(crate) async fn another_answer_takes_the_place_of_the_old_one(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "First", "one").await?;
    exchange(&page, &mut provider, "Second", "two").await?;
    ensure!(
        page.count(AGAIN)? == 1,
        "only the newest answer is given once more"
    );
    page.click(AGAIN)?;
    let stream = provider.call().await.begin();
    page.wait_for(".typing")?;
    stream.push("better ");
    let begun = [
        ("user", "First"),
        ("ai", "one"),
        ("user", "Second"),
        ("ai", "better"),
    ];
    page.wait_for_text(LIVE, "better")?;
    shows(&page, &begun)?;
    page.reload()?;
    page.wait_for_text(LIVE, "better")?;
    shows(&page, &begun)?;
    stream.push("two");
    stream.end();
    page.wait_for_text(COMPLETE, "better two")?;
    let all = [
        ("user", "First"),
        ("ai", "one"),
        ("user", "Second"),
        ("ai", "better two"),
    ];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(COMPLETE, "better two")?;
    shows(&page, &all)?;
    no_problems(&page)
}

pub(crate) async fn a_stopped_answer_is_given_once_more(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Tell me all")?;
    let call = provider.call().await;
    page.wait_for(".typing")?;
    page.click("#stop-btn")?;
    call.dropped().await;
    page.click(".failure.remark .retry")?;
    provider.call().await.reply("All.");
    page.wait_for_text(COMPLETE, "All.")?;
    ensure!(page.count(".failure")? == 0, "the stopped answer is shown");
    shows(&page, &[("user", "Tell me all"), ("ai", "All.")])
}

pub(crate) async fn a_question_is_put_in_other_words(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Where is it?", "What?").await?;
    page.click(".edit")?;
    page.wait_until("document.activeElement.value === 'Where is it?'")?;
    page.fill(EDITOR, "Where is my parcel?")?;
    page.press("Enter")?;
    let call = provider.call().await;
    let asked = call.messages();
    ensure!(
        asked == [("system", "Be brief."), ("user", "Where is my parcel?")],
        "{asked:?}"
    );
    call.reply("At the door.");
    page.wait_for_text(COMPLETE, "At the door.")?;
    has_focus(&page, "message-input")?;
    let all = [("user", "Where is my parcel?"), ("ai", "At the door.")];
    shows(&page, &all)?;
    page.reload()?;
    page.wait_for_text(COMPLETE, "At the door.")?;
    shows(&page, &all)?;
    no_problems(&page)
}

pub(crate) async fn a_change_whose_acknowledgement_is_lost_is_made_once(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let proxy = Proxy::start(world.public).await;
    let page = fixture.page()?;
    open(&page, &proxy.page())?;
    exchange(&page, &mut provider, "Where is it?", "What?").await?;
    proxy.hold_replies(world.public);
    page.click(".edit")?;
    page.fill(EDITOR, "Where is my parcel?")?;
    page.press("Enter")?;
    provider.call().await.reply("At the door.");
    page.wait_for_text("[data-state=pending] .meta", "Sending")?;
    shows(&page, &[("user", "Where is my parcel?")])?;
    proxy.cut();
    page.wait_for_text("#status-text", "Reconnecting")?;
    proxy.forward_to(world.public);
    page.wait_for_text(COMPLETE, "At the door.")?;
    shows(
        &page,
        &[("user", "Where is my parcel?"), ("ai", "At the door.")],
    )?;
    ensure!(provider.is_idle(), "the question reached the model twice");
    Ok(())
}

pub(crate) async fn a_change_that_is_rejected_leaves_the_question(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let [phone, laptop] = two_devices(fixture, &world, &mut provider).await?;
    phone.click(".edit")?;
    phone.fill(EDITOR, "from the phone")?;
    // It is told of the newer question only when its own is under way.
    phone.offline(true)?;
    phone.wait_for_text("#status-text", "You are offline")?;
    phone.press("Enter")?;
    phone.wait_for("[data-state=pending]")?;
    exchange(&laptop, &mut provider, "Newer", "newer answer").await?;
    phone.offline(false)?;
    phone.wait_for_text(
        "[data-state=rejected] .meta",
        "Not changed: the message is no longer the newest one",
    )?;
    phone.wait_for_text(COMPLETE, "newer answer")?;
    shows(
        &phone,
        &[
            ("user", "Question"),
            ("ai", "old answer"),
            ("user", "Newer"),
            ("ai", "newer answer"),
            ("user", "from the phone"),
        ],
    )?;
    ensure!(provider.is_idle(), "the rejected change reached the model");
    Ok(())
}

pub(crate) async fn two_devices_show_the_same_changes(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = two_models().await;
    let [phone, laptop] = two_devices(fixture, &world, &mut provider).await?;

    laptop.select("#model-selector", "good")?;
    has_model(&phone, "good")?;

    laptop.click(AGAIN)?;
    let stream = provider.call().await.begin();
    stream.push("another ");
    for device in [&phone, &laptop] {
        device.wait_for_text(LIVE, "another")?;
        shows(device, &[("user", "Question"), ("ai", "another")])?;
    }
    phone.click("#stop-btn")?;
    stream.dropped().await;
    for device in [&phone, &laptop] {
        device.wait_for_text(".failure.remark", STOPPED)?;
        device.wait_for_text(".message.ai .model", "Good")?;
        shows(device, &[("user", "Question"), ("ai", "another")])?;
    }

    phone.click(".edit")?;
    phone.fill(EDITOR, "Question, in other words")?;
    phone.click(".editor .primary")?;
    provider.call().await.reply("new answer");
    for device in [&phone, &laptop] {
        device.wait_for_text(COMPLETE, "new answer")?;
        shows(
            device,
            &[("user", "Question, in other words"), ("ai", "new answer")],
        )?;
        no_problems(device)?;
    }
    Ok(())
}

pub(crate) async fn changes_need_no_mouse(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Question", "old answer").await?;
    has_focus(&page, "message-input")?;
    page.press("Shift+Tab")?;
    page.press("Enter")?;
    let stream = provider.call().await.begin();
    page.wait_for(".typing")?;
    has_focus(&page, "message-input")?;
    page.press("Tab")?;
    has_focus(&page, "stop-btn")?;
    page.press("Enter")?;
    stream.dropped().await;
    page.wait_for_text(".failure.remark", STOPPED)?;
    has_focus(&page, "message-input")?;
    // Over the button below the answer, to the one below the question.
    page.press("Shift+Tab")?;
    page.press("Shift+Tab")?;
    page.press("Enter")?;
    page.wait_until("document.activeElement.value === 'Question'")?;
    page.press("Escape")?;
    page.wait_until("document.activeElement.classList.contains('edit')")?;
    page.press("Enter")?;
    page.wait_for(EDITOR)?;
    page.type_text(", in other words")?;
    page.press("Enter")?;
    provider.call().await.reply("new answer");
    page.wait_for_text(COMPLETE, "new answer")?;
    has_focus(&page, "message-input")?;
    shows(
        &page,
        &[("user", "Question, in other words"), ("ai", "new answer")],
    )?;
    no_problems(&page)
}

/// In light and dark, with a mouse and with fingers.
pub(crate) async fn changes_pass_axe(fixture: &Fixture<'_>) -> Result<()> {
    for (color_scheme, touch, width) in [
        (ColorScheme::Light, false, 1280),
        (ColorScheme::Dark, true, 360),
        (ColorScheme::Light, true, 360),
    ] {
        let page = fixture.page_with(&Profile {
            viewport: (width, 800),
            color_scheme,
            touch,
            ..Profile::default()
        })?;
        let screen = format!("{color_scheme:?}-{width}").to_lowercase();
        changes_on_this_screen_pass(&page, &screen).await?;
        fixture.close(page);
    }
    Ok(())
}

async fn changes_on_this_screen_pass(page: &Page, screen: &str) -> Result<()> {
    let (world, mut provider) = two_models().await;
    open(page, &world.url("/chat.html"))?;
    let check = |state: &str| {
        passes(page, &format!("{screen}-{state}"))?;
        fingers_meet(page)
    };
    exchange(page, &mut provider, "Question", "answer").await?;
    check("at-rest")?;
    page.click(".edit")?;
    page.wait_for(EDITOR)?;
    check("editing")?;
    page.press("Escape")?;
    page.click(AGAIN)?;
    let stream = provider.call().await.begin();
    stream.push("another ");
    page.wait_for_text(LIVE, "another")?;
    check("writing")?;
    page.click("#stop-btn")?;
    stream.dropped().await;
    page.wait_for_text(".failure.remark", STOPPED)?;
    check("stopped")
}

/// On a touch screen, everything that is pressed is 44 pixels wide and high.
fn fingers_meet(page: &Page) -> Result<()> {
    let small: Vec<String> = page.evaluate(
        "!matchMedia('(pointer: coarse)').matches ? [] : [...document.querySelectorAll('button, select')] \
            .filter((element) => { const { width, height } = element.getBoundingClientRect(); \
                return width > 0 && (width < 44 || height < 44); }) \
            .map(({ id, className, textContent }) => id || className || textContent)",
    )?;
    ensure!(small.is_empty(), "too small for fingers: {small:?}");
    Ok(())
}
