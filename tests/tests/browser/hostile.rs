//! Answers that are made to break the page.

use anyhow::{Result, ensure};

use crate::fixture::{COMPLETE, Fixture, exchange, no_problems, server};

pub(crate) async fn no_message_breaks_the_page(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    let answers = [
        ">".repeat(2_000),
        "- ".repeat(2_000),
        "*".repeat(4_000) + "a" + &"*".repeat(4_000),
        "_a __b ".repeat(1_500) + &"__ _".repeat(1_500),
        "[".repeat(20_000),
        "|a".repeat(3_000) + "|\n" + &"|-".repeat(3_000) + "|",
        "x".repeat(40_000),
        format!("a{}", "\u{301}".repeat(3_000)),
        "\u{202e}\u{2066}".repeat(500) + "a",
        "```\nfn main() {".to_owned(),
    ];
    for (number, answer) in answers.iter().enumerate() {
        exchange(&page, &mut provider, &format!("Question {number}"), answer).await?;
    }
    exchange(&page, &mut provider, "Are you there?", "Yes, **here**.").await?;
    no_problems(&page)?;
    for _ in 0..2 {
        page.wait_for_text(&format!("{COMPLETE} strong"), "here")?;
        let (questions, drawn) = (page.count(".message.user")?, page.count(COMPLETE)?);
        let expected = answers.len() as u64 + 1;
        ensure!(
            (questions, drawn) == (expected, expected),
            "{questions} questions and {drawn} answers are drawn"
        );
        let overflows: bool = page.evaluate(
            "(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.getElementById('messages-container'))",
        )?;
        ensure!(!overflows, "a message is wider than the page");
        page.reload()?;
    }
    no_problems(&page)
}
