//! The choice between several models.

use anyhow::{Result, ensure};
use browser::Page;
use tests::{Provider, World, openai};

use crate::fixture::{Fixture, connected, exchange, no_problems, server};

const MODEL: &str = "document.getElementById('model-selector').value";

/// A server with the models Fast, which the provider knows as `small`, and Good, `large`.
pub(crate) async fn two_models() -> (World, Provider) {
    let provider = Provider::start().await;
    let mut config = openai(&provider);
    let mut second = config.models[0].clone();
    second.id = "good".to_owned();
    second.name = "Good".to_owned();
    second.openai.as_mut().unwrap().model = "large".to_owned();
    config.models.push(second);
    (World::start(config).await, provider)
}

pub(crate) fn has_model(page: &Page, id: &str) -> Result<()> {
    page.wait_until(&format!("{MODEL} === '{id}'"))
}

pub(crate) async fn a_visitor_chooses_the_model(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = two_models().await;
    let page = fixture.guest(&world)?;
    page.wait_for("#model-selector-container")?;
    let names: Vec<String> = page.evaluate(
        "[...document.getElementById('model-selector').options].map(({ text }) => text)",
    )?;
    ensure!(names == ["Fast", "Good"], "{names:?}");
    has_model(&page, "fast")?;
    page.select("#model-selector", "good")?;
    page.wait_for_text("#welcome-title", "How can Good help you?")?;
    page.send("Hello?")?;
    let call = provider.call().await;
    ensure!(call.body["model"] == "large", "{}", call.body["model"]);
    call.reply("Hello.");
    page.wait_for_text(".message.ai .model", "Good")?;
    page.select("#model-selector", "fast")?;
    page.send("And now?")?;
    let call = provider.call().await;
    ensure!(call.body["model"] == "small", "{}", call.body["model"]);
    call.reply("Still here.");
    page.wait_for_text(".message.ai .model", "Fast")?;
    page.select("#model-selector", "good")?;
    // Whatever the page sends next comes after the choice.
    exchange(&page, &mut provider, "Thanks", "Welcome.").await?;
    page.reload()?;
    connected(&page)?;
    has_model(&page, "good")?;
    let shown: Vec<String> = page.evaluate(
        "[...document.querySelectorAll('.message.ai .model')].map(({ innerText }) => innerText)",
    )?;
    ensure!(shown == ["Good", "Fast", "Good"], "{shown:?}");
    no_problems(&page)
}

pub(crate) async fn one_model_is_no_choice(fixture: &Fixture<'_>) -> Result<()> {
    let (world, mut provider) = server().await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Hello?", "Hello.").await?;
    for selector in ["#model-selector", ".message.ai .model"] {
        ensure!(page.count(selector)? == 0, "{selector} is shown");
    }
    Ok(())
}

pub(crate) async fn a_choice_that_is_refused_goes_back(fixture: &Fixture<'_>) -> Result<()> {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.messages_per_minute = 1;
    let mut second = config.models[0].clone();
    second.id = "good".to_owned();
    second.name = "Good".to_owned();
    config.models.push(second);
    let world = World::start(config).await;
    let page = fixture.guest(&world)?;
    exchange(&page, &mut provider, "Hello?", "Hello.").await?;
    page.select("#model-selector", "good")?;
    page.wait_for_text(".message.system", "Too many messages in a short time.")?;
    has_model(&page, "fast")?;
    no_problems(&page)
}
