//! The first hour with Chatbox: the sample, and a model behind a key.

use std::fs;

use anyhow::{Context, Result, ensure};
use browser::Browser;
use builder::paths;
use control_plane::world::World;
use e2e::llm::Llm;
use serde_json::json;

use super::chat::{self, NAME, ask, demo, no_problems, said, with};

/// The operator was installed by helm. Somebody applies the sample, asks in a browser, and finds it after a reload.
pub(crate) fn the_sample_answers_in_a_browser(world: &World<'_>) -> Result<()> {
    let sample = fs::read_to_string(paths::checkout().join("e2e/samples/quickstart.yaml"))?;
    // The sample's own name and port may be in use by `make up`.
    let sample = sample
        .replace("  namespace: default\n", "")
        .replace("    nodePort: 30080\n", "");
    let apply = ["--namespace", world.namespace(), "apply", "--filename", "-"];
    world.cluster().feed(&apply, &sample)?;
    let page = chat::page(world, "quickstart")?;
    let browser = Browser::start()?.page()?;
    browser.open(&page)?;
    let transcript = ask(&browser, "Is anybody there?")?;
    ensure!(
        transcript[0].text.contains("Is anybody there?"),
        "{transcript:?}"
    );
    ensure!(
        transcript[1].text.contains("I am the demo model"),
        "{transcript:?}"
    );
    browser.reload()?;
    browser.wait_for_text(".message.ai", "I am the demo model")?;
    ensure!(
        said(&browser.transcript()?) == said(&transcript),
        "the page shows something else after a reload"
    );
    no_problems(&browser)
}

/// A model behind an endpoint, and its key in a Secret that is made after the Chatbox.
pub(crate) fn a_model_behind_a_key_answers(world: &World<'_>) -> Result<()> {
    let llm = Llm::start(&["--response-style", "echo"])?;
    let model = json!([{
        "id": "assistant", "name": "Assistant", "systemPrompt": "Be kind.",
        "openai": {"baseUrl": llm.base_url(), "model": "gpt-4o-mini", "apiKey": {"name": "llm", "key": "openai"}},
    }]);
    world.apply(&with(demo(), "/spec/config/models", model))?;
    let (status, _, message) = chat::condition(world, "SecretsResolved")?;
    ensure!(status == "False", "{message}");
    ensure!(
        message.contains("spec.config.models[0].openai.apiKey") && message.contains("\"llm\""),
        "{message}"
    );
    ensure!(
        world.get("deployment", chat::APP)?.is_none(),
        "half a Chatbox was made"
    );
    world.kubectl(&[
        "create",
        "secret",
        "generic",
        "llm",
        "--from-literal=openai=sk-scenario-key",
    ])?;
    let page = chat::page(world, NAME)?;
    let browser = Browser::start()?.page()?;
    browser.open(&page)?;
    let transcript = ask(&browser, "Echo these words, please.")?;
    let answer = transcript.last().context("an answer")?;
    ensure!(answer.text.contains("Echo these words"), "{transcript:?}");
    no_problems(&browser)
}
