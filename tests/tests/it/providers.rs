//! Providers that fail, and what the visitor is told.

use serde_json::json;
use tests::{Client, Provider, World, openai};

async fn ask(world: &World) -> Client {
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello?").await;
    client
}

#[tokio::test]
async fn a_provider_that_is_busy_is_asked_again() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    provider.call().await.refuse(503);
    provider.call().await.refuse(429);
    provider.call().await.reply("at last");
    assert_eq!(client.answer().await.text, "at last");
}

#[tokio::test]
async fn a_provider_that_refuses_is_not_asked_again() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    provider.call().await.refuse(401);
    let answer = client.answer().await;
    assert_eq!(
        (answer.status.as_str(), answer.text.as_str()),
        ("failed", "")
    );
    let error = client.wait_for("error").await;
    assert_eq!(
        (&error["error"]["code"], &error["run"]),
        (&json!("LLM_UNAVAILABLE"), &json!(answer.run))
    );
    assert!(provider.is_idle());
    assert_eq!(
        world.history("u", "s").await.len(),
        2,
        "the failure is a stored message"
    );

    client.say("s", "c2", "again?").await;
    let call = provider.call().await;
    assert_eq!(
        call.messages().len(),
        3,
        "an answer without a word is not told to the model"
    );
    call.reply("yes");
    assert_eq!(client.answer().await.status, "complete");
}

#[tokio::test]
async fn what_was_said_before_a_break_stays() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let broken = json!({"error": {"message": "overloaded", "type": "server_error"}});
    for (name, error) in [("cut", None), ("error", Some(broken))] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let speech = provider.call().await.begin();
        speech.say("half a sen");
        client.wait_for("ai_response").await;
        match &error {
            Some(error) => speech.event(error),
            None => speech.cut(),
        }
        let last = client.until(|frame| frame["type"] == "error").await;
        let end = &last[last.len() - 2];
        assert_eq!(
            (&end["status"], &end["off"], &end["content"]),
            (&json!("failed"), &json!(10), &json!("")),
            "{name}"
        );
        let history = world.history("u", name).await;
        assert_eq!(
            (history[1].1.as_str(), history[1].2.as_deref()),
            ("half a sen", Some("failed"))
        );
        assert!(
            provider.is_idle(),
            "a second answer would contradict the first"
        );
    }
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_given_up() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    let speech = provider.call().await.begin();
    speech.say("wait");
    assert_eq!(client.answer().await.status, "failed");
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "LLM_TIMEOUT"
    );
    speech.dropped().await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_reported() {
    let mut config = openai(&Provider::start().await);
    let openai = config.models[0].openai.as_mut().unwrap();
    "http://127.0.0.1:1/v1".clone_into(&mut openai.base_url);
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    assert_eq!(client.answer().await.status, "failed");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE");
    assert!(
        !error.to_string().contains("127.0.0.1"),
        "what outsiders are told has no addresses"
    );
}
