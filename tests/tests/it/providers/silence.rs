//! A provider that sends anything is not silent.

use std::time::Duration;

use serde_json::json;
use tests::{Provider, World, openai};
use tokio::time::{interval, sleep};

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

/// Longer than the provider may be silent.
const LATE: Duration = Duration::from_millis(2500);
const DOCUMENT: &str = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

#[tokio::test]
async fn an_answer_in_one_piece_may_take_the_whole_time() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    for (name, content_type, begun) in [
        ("early-headers", "application/json", ""),
        ("early-brace", "text/event-stream", "{"),
        ("early-blanks", "application/json; charset=utf-8", "\n\n"),
    ] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let headers = [("content-type", content_type)];
        let stream = provider.call().await.respond(200, &headers);
        stream.send(begun);
        sleep(LATE).await;
        stream.send(DOCUMENT.strip_prefix(begun).unwrap_or(DOCUMENT));
        drop(stream);
        assert_eq!(client.answer().await.status, "complete", "{name}");
    }
    // This server does not stream, whatever it is asked: before all of the answer nothing comes.
    let mut client = ask(&world).await;
    let call = provider.call().await;
    sleep(LATE).await;
    call.respond(200, &[]).send(DOCUMENT);
    assert_eq!(client.answer().await.status, "complete");
}

#[tokio::test]
async fn an_answer_that_cannot_be_streamed_may_take_the_whole_time() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    let error = json!({"message": "no", "param": "stream", "code": "unsupported_value"});
    provider.call().await.reject_with(400, &error);
    let stream = provider.call().await.begin();
    sleep(LATE).await;
    stream.send(DOCUMENT);
    drop(stream);
    assert_eq!(client.answer().await.status, "complete");
}

#[tokio::test]
async fn a_reason_in_every_piece_ends_nothing_and_silence_behind_one_spoils_nothing() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    let piece =
        |text: &str| json!({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]});
    stream.event(&piece("once "));
    // Longer than the end of a stream is waited for where the reason came alone.
    sleep(Duration::from_millis(3500)).await;
    stream.event(&piece("upon"));
    stream.send("data: [DONE]\n\n");
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("once upon", "complete")
    );
}
