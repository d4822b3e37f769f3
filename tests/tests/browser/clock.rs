//! A visitor's clock decides nothing.

use anyhow::{Result, ensure};
use browser::Profile;

use crate::fixture::{Fixture, connected, exchange, no_problems, open, server, shows};

pub(crate) async fn a_visitor_whose_clock_is_wrong_can_chat(fixture: &Fixture<'_>) -> Result<()> {
    for minutes in [5, 90, -90, 5_256_000] {
        let (world, mut provider) = server().await;
        let page = fixture.page_with(&Profile {
            init_script: Some(shifted(minutes)),
            ..Profile::default()
        })?;
        open(&page, &world.url("/chat.html"))?;
        exchange(&page, &mut provider, "First", "one").await?;
        page.offline(true)?;
        page.wait_for_text("#status-text", "You are offline")?;
        page.send("Second")?;
        page.offline(false)?;
        connected(&page)?;
        provider.call().await.reply("two");
        page.wait_for_text(".message.ai[aria-busy=false]", "two")?;
        shows(
            &page,
            &[
                ("user", "First"),
                ("ai", "one"),
                ("user", "Second"),
                ("ai", "two"),
            ],
        )?;
        let day: String = page.evaluate("document.querySelector('.date').textContent")?;
        ensure!(day == "Today", "{minutes} minutes: the day is {day:?}");
        no_problems(&page)?;
        fixture.close(page);
    }
    Ok(())
}

/// Shifts the clock of the page.
fn shifted(minutes: i64) -> String {
    let shift = minutes * 60_000;
    format!(
        "const Real = Date; window.Date = class extends Real {{ \
            constructor(...parts) {{ parts.length ? super(...parts) : super(Real.now() + {shift}); }} \
            static now() {{ return Real.now() + {shift}; }} }};"
    )
}
