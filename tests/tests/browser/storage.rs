//! Storage that is switched off, full or corrupt: one can still chat.

use anyhow::{Result, ensure};
use browser::Profile;

use crate::fixture::{Fixture, connected, exchange, no_problems, open, server, shows};

pub(crate) async fn a_chat_works_without_storage(fixture: &Fixture<'_>) -> Result<()> {
    let script = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, \
        { get() { throw new DOMException('denied', 'SecurityError'); } });";
    can_chat_with(fixture, script).await
}

pub(crate) async fn a_chat_works_with_full_storage(fixture: &Fixture<'_>) -> Result<()> {
    let script = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };";
    can_chat_with(fixture, script).await
}

pub(crate) async fn a_chat_works_with_corrupt_storage(fixture: &Fixture<'_>) -> Result<()> {
    let script = "if (location.protocol === 'http:' && !sessionStorage.getItem('prepared')) { \
        sessionStorage.setItem('prepared', '1'); \
        localStorage.setItem('chatbox:/chatbox:guest', '{\"token\": 7, \"user_id\"'); \
        localStorage.setItem('chatbox:/chatbox:pending:a', 'nonsense'); \
        localStorage.setItem('chatbox:/chatbox:pending:b', '{\"clientId\": \"b\", \"session\": [], \"at\": null}'); }";
    can_chat_with(fixture, script).await
}

async fn can_chat_with(fixture: &Fixture<'_>, script: &str) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.page_with(&Profile {
        init_script: Some(script.to_owned()),
        ..Profile::default()
    })?;
    open(&page, &world.url("/chat.html"))?;
    exchange(&page, &mut provider, "First", "one").await?;
    exchange(&page, &mut provider, "Second", "two").await?;
    page.offline(true)?;
    page.wait_for_text("#status-text", "You are offline")?;
    page.offline(false)?;
    connected(&page)?;
    exchange(&page, &mut provider, "Third", "three").await?;
    shows(
        &page,
        &[
            ("user", "First"),
            ("ai", "one"),
            ("user", "Second"),
            ("ai", "two"),
            ("user", "Third"),
            ("ai", "three"),
        ],
    )?;
    ensure!(provider.is_idle(), "something else reached the model");
    no_problems(&page)?;
    // What no storage keeps, a reload loses. The visitor is not locked out.
    page.reload()?;
    connected(&page)?;
    exchange(&page, &mut provider, "Fourth", "four").await
}
