//! Text that is written from right to left, beside text that is not.

use anyhow::{Result, ensure};

use crate::fixture::{Fixture, exchange, no_problems, screenshot_file, server};

const ANSWER: &str = "# مرحبا بكم\n\nهذه فقرة مع `code` و[رابط](https://example.org/).\n\nAn English paragraph.\n\n\
    - العنصر الأول\n- the second item\n\n1. שלום\n2. עולם\n\n> اقتباس\n\n\
    | اسم | Value |\n|---|---|\n| قيمة | 1 |\n\n```rust\nfn main() {}\n```";

pub(crate) async fn text_begins_on_the_side_of_its_direction(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "مرحبا، كيف الحال؟", ANSWER).await?;
    page.fill("#message-input", "שלום")?;
    for (selector, expected) in [
        (".message.user .bubble", "rtl"),
        ("#message-input", "rtl"),
        (".markdown h2", "rtl"),
        (".block:nth-child(2) p", "rtl"),
        (".block:nth-child(3) p", "ltr"),
        (".markdown ul", "rtl"),
        (".markdown ul li:first-child", "rtl"),
        (".markdown ul li:last-child", "ltr"),
        (".markdown ol li", "rtl"),
        (".markdown blockquote", "rtl"),
        (".markdown table", "rtl"),
        (".markdown tbody td:last-child", "ltr"),
        (".code code", "ltr"),
    ] {
        let direction: String = page.evaluate(&format!(
            "getComputedStyle(document.querySelector('{selector}')).direction"
        ))?;
        ensure!(direction == expected, "{selector} is {direction}");
    }
    let starts_right: bool = page.evaluate(
        "(() => { const range = document.createRange(); const p = document.querySelector('.block:nth-child(2) p'); \
            range.selectNodeContents(p); \
            return p.getBoundingClientRect().right - range.getBoundingClientRect().right < 2; })()",
    )?;
    ensure!(starts_right, "the paragraph does not begin on the right");
    page.screenshot(&screenshot_file("right-to-left"))?;
    no_problems(&page)
}
