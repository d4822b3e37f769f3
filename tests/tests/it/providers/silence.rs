//! A provider that sends anything is not silent.

use std::time::Duration;

use serde_json::json;
use tests::{Provider, World, openai};
use tokio::time::interval;

use super::ask;

/// Three times longer than the provider may be silent.
#[tokio::test]
async fn comments_and_thoughts_are_signs_of_life() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    let thought = json!({"choices": [{"delta": {"reasoning_content": "Hm"}}]});
    for (name, sign) in [
        ("comments", ": PROCESSING\n\n".to_owned()),
        ("thoughts", format!("data: {thought}\n\n")),
    ] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let stream = provider.call().await.begin();
        let mut moments = interval(Duration::from_millis(300));
        for _ in 0..10 {
            moments.tick().await;
            stream.send(sign.clone());
        }
        stream.push("Hi");
        stream.end();
        let answer = client.answer().await;
        assert_eq!(
            (answer.text.as_str(), answer.status.as_str()),
            ("Hi", "complete"),
            "{sign}"
        );
    }
}

#[tokio::test]
async fn the_pause_that_a_provider_asks_for_is_not_its_silence() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    let busy = provider
        .call()
        .await
        .respond(503, &[("retry-after", "2.5")]);
    busy.cut();
    provider.call().await.reply("Hi");
    assert_eq!(client.answer().await.status, "complete");
}
