//! A model behind Anthropic's Messages API.

use crds::Config;
use serde_json::{Value, json};
use tests::{Provider, ResponseStream, World, demo};

use super::ask;

fn anthropic(provider: &Provider) -> Config {
    let model = json!([{
        "id": "fast", "name": "Fast", "systemPrompt": "Be brief.", "idleSeconds": 10,
        "anthropic": {"baseUrl": provider.url(), "model": "small", "apiKey": {"name": "llm", "key": "key"}},
    }]);
    Config {
        models: serde_json::from_value(model).unwrap(),
        ..demo()
    }
}

/// Sends an event with its type as its name, as the API does.
fn event(stream: &ResponseStream, event: &Value) {
    let name = event["type"].as_str().unwrap();
    stream.send(format!("event: {name}\ndata: {event}\n\n"));
}

fn start(stream: &ResponseStream) {
    let usage = json!({"input_tokens": 7, "output_tokens": 1});
    event(
        stream,
        &json!({"type": "message_start", "message": {"content": [], "usage": usage}}),
    );
    let block = json!({"type": "text", "text": ""});
    event(
        stream,
        &json!({"type": "content_block_start", "index": 0, "content_block": block}),
    );
}

fn delta(stream: &ResponseStream, delta: &Value) {
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": delta});
    event(stream, &delta);
}

fn say(stream: &ResponseStream, text: &str) {
    delta(stream, &json!({"type": "text_delta", "text": text}));
}

/// Ends as it should, and leaves the connection open.
fn end(stream: &ResponseStream, reason: &str) {
    event(stream, &json!({"type": "content_block_stop", "index": 0}));
    let usage = json!({"output_tokens": 5});
    event(
        stream,
        &json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}),
    );
    event(stream, &json!({"type": "message_stop"}));
}

#[tokio::test]
async fn a_conversation_is_asked_and_answered() {
    let mut provider = Provider::start().await;
    let world = World::start(anthropic(&provider)).await;
    let mut client = ask(&world).await;
    let call = provider.call().await;
    assert_eq!(call.uri, "/v1/messages");
    assert_eq!(call.headers["x-api-key"], "sk-test-key");
    assert_eq!(call.headers["anthropic-version"], "2023-06-01");
    assert_eq!(call.authorization, None);
    assert_eq!(
        call.body,
        json!({"model": "small", "max_tokens": 4096, "system": "Be brief.", "stream": true,
            "messages": [{"role": "user", "content": "hello?"}]})
    );
    let stream = call.begin();
    start(&stream);
    event(&stream, &json!({"type": "ping"}));
    say(&stream, "Hi ");
    say(&stream, "there");
    end(&stream, "end_turn");
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("Hi there", "complete")
    );
    // Nothing comes behind the end, so nobody waits for it.
    stream.dropped().await;

    client.say("s", "c2", "again?").await;
    let call = provider.call().await;
    assert_eq!(
        call.messages(),
        [
            ("user", "hello?"),
            ("assistant", "Hi there"),
            ("user", "again?")
        ]
    );
    let stream = call.begin();
    say(&stream, "Half");
    end(&stream, "max_tokens");
    assert_eq!(client.answer().await.status, "length");
}

#[tokio::test]
async fn one_that_is_overloaded_is_asked_again() {
    let mut provider = Provider::start().await;
    let world = World::start(anthropic(&provider)).await;
    let mut client = ask(&world).await;
    let call = provider.call().await;
    call.reject_with(
        529,
        &json!({"type": "overloaded_error", "message": "Overloaded"}),
    );
    // Also when it says so only after it has begun.
    let stream = provider.call().await.begin();
    start(&stream);
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    event(&stream, &overloaded);
    let stream = provider.call().await.begin();
    say(&stream, "Hi");
    end(&stream, "end_turn");
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("Hi", "complete")
    );
}

#[tokio::test]
async fn an_error_in_mid_stream_keeps_what_was_said() {
    let mut provider = Provider::start().await;
    let world = World::start(anthropic(&provider)).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    start(&stream);
    say(&stream, "half a sen");
    client.wait_for("ai_response").await;
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    event(&stream, &overloaded);
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE");
    let history = world.history("u", "s").await;
    assert_eq!(
        (history[1].1.as_str(), history[1].2.as_deref()),
        ("half a sen", Some("failed"))
    );
    assert!(
        provider.is_idle(),
        "a second answer would contradict the first"
    );
}

#[tokio::test]
async fn thoughts_are_a_sign_of_life_and_not_shown() {
    let mut provider = Provider::start().await;
    let world = World::start(anthropic(&provider)).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    start(&stream);
    delta(
        &stream,
        &json!({"type": "thinking_delta", "thinking": "secret"}),
    );
    delta(
        &stream,
        &json!({"type": "signature_delta", "signature": "secret"}),
    );
    say(&stream, "Hi");
    end(&stream, "end_turn");
    let frames = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await;
    assert!(!format!("{frames:?}").contains("secret"), "{frames:?}");
    assert_eq!(world.history("u", "s").await[1].1, "Hi");
}

#[tokio::test]
async fn a_refusal_is_told_and_not_sent_back() {
    let mut provider = Provider::start().await;
    let world = World::start(anthropic(&provider)).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    say(&stream, "First you");
    end(&stream, "refusal");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_CONTENT_FILTERED");
    client.say("s", "c2", "something else?").await;
    let call = provider.call().await;
    assert_eq!(call.messages(), [("user", "something else?")]);
    let stream = call.begin();
    say(&stream, "Yes");
    end(&stream, "end_turn");
    assert_eq!(client.answer().await.text, "Yes");
}

#[tokio::test]
async fn a_limit_that_the_model_does_not_take_is_lowered() {
    let mut provider = Provider::start().await;
    let mut config = anthropic(&provider);
    config.models[0].answer_tokens = Some(64_000);
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    let call = provider.call().await;
    assert_eq!(call.body["max_tokens"], 64_000);
    let words = "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens";
    call.reject_with(
        400,
        &json!({"type": "invalid_request_error", "message": words}),
    );
    for question in ["c2", "c3"] {
        let call = provider.call().await;
        assert_eq!(call.body["max_tokens"], 4096, "it is remembered");
        let stream = call.begin();
        say(&stream, "Hi");
        end(&stream, "end_turn");
        assert_eq!(client.answer().await.text, "Hi");
        client.say("s", question, "and now?").await;
    }
}
