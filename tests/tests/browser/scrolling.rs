//! The list scrolls along with what is written, unless the user looks elsewhere.

use anyhow::{Result, ensure};

use crate::fixture::{COMPLETE, Fixture, no_problems, server};

const LIST: &str = "#messages-container";
const AT_END: &str = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2) \
    (document.getElementById('messages-container'))";
const TOP: &str = "document.getElementById('messages-container').scrollTop";

pub(crate) async fn the_list_scrolls_along_unless_the_user_scrolled_up(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    let paragraphs = "A paragraph.\n\n".repeat(40);
    page.send("Be long")?;
    let stream = provider.call().await.begin();
    stream.push(&paragraphs);
    page.wait_until("document.querySelectorAll('.markdown .block').length === 40")?;
    page.wait_until(AT_END)?;
    page.run("document.getElementById('messages-container').scrollTo({ top: 0 })")?;
    page.wait_until(&format!("!{AT_END}"))?;
    stream.push("The last paragraph.");
    page.wait_for(".scroll-to-end")?;
    let top: f64 = page.evaluate("document.getElementById('messages-container').scrollTop")?;
    ensure!(top < 1.0, "the list scrolled to {top}");
    page.click(".scroll-to-end")?;
    page.wait_until(AT_END)?;
    stream.end();
    page.wait_for(COMPLETE)?;
    page.wait_until(AT_END)
}

/// Each is a small move, while pieces keep coming.
pub(crate) async fn any_move_upwards_stops_the_list_until_its_end(
    fixture: &Fixture<'_>,
) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    page.send("Be long")?;
    let stream = provider.call().await.begin();
    stream.push(&"A paragraph.\n\n".repeat(60));
    page.wait_until("document.querySelectorAll('.markdown .block').length === 60")?;
    for (number, way) in ["the wheel", "a key", "the scroll bar"].iter().enumerate() {
        page.wait_until(AT_END)?;
        let before: f64 = page.evaluate(TOP)?;
        match number {
            0 => page.wheel(LIST, -10)?,
            1 => {
                page.run(&format!("document.querySelector('{LIST}').focus()"))?;
                page.press("ArrowUp")?;
            }
            _ => page.run(&format!("document.querySelector('{LIST}').scrollTop -= 10"))?,
        }
        page.wait_for(".scroll-to-end")?;
        page.wait_until(&format!("{TOP} < {before}"))?;
        for piece in 0..5 {
            stream.push(&format!("Piece {piece} after {way}.\n\n"));
            page.wait_for_text(".markdown", &format!("Piece {piece} after {way}."))?;
        }
        page.wait_for_text(".scroll-to-end", "New messages")?;
        let after: f64 = page.evaluate(TOP)?;
        ensure!(
            after < before,
            "{way}: the list stood at {before}, and now at {after}"
        );
        if number == 0 {
            // Near the end is not the end.
            page.run(&format!("(({{ scrollHeight, clientHeight }}) => document.querySelector('{LIST}').scrollTop = scrollHeight - clientHeight - 30)(document.querySelector('{LIST}'))"))?;
            stream.push("One more.\n\n");
            page.wait_for_text(".markdown", "One more.")?;
            ensure!(
                !page.evaluate::<bool>(AT_END)?,
                "the list went on near its end"
            );
            page.wheel(LIST, 10_000)?;
        } else {
            page.click(".scroll-to-end")?;
        }
        page.wait_until(AT_END)?;
        page.wait_until("!document.querySelector('.scroll-to-end')")?;
        stream.push(&format!("Followed after {way}.\n\n"));
        page.wait_for_text(".markdown", &format!("Followed after {way}."))?;
        page.wait_until(AT_END)?;
    }
    page.wait_until("document.activeElement.id === 'messages-container'")?;
    stream.end();
    page.wait_for(COMPLETE)?;
    no_problems(&page)
}
