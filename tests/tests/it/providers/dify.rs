//! A chat app of Dify, which keeps its conversations.

use crds::Config;
use serde_json::{Value, json};
use tests::{Call, Client, Provider, ResponseStream, World, demo};

use super::ask;

fn dify(provider: &Provider) -> Config {
    let model = json!([{
        "id": "app", "name": "App", "idleSeconds": 10,
        "dify": {"baseUrl": provider.url(), "apiKey": {"name": "llm", "key": "key"}},
    }]);
    Config {
        models: serde_json::from_value(model).unwrap(),
        ..demo()
    }
}

fn event(stream: &ResponseStream, name: &str, more: &Value) {
    let mut event = json!({"event": name, "task_id": "t", "message_id": "m"});
    let more = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(more);
    stream.event(&event);
}

fn say(stream: &ResponseStream, conversation: &str, answer: &str) {
    event(
        stream,
        "message",
        &json!({"conversation_id": conversation, "answer": answer}),
    );
}

fn end(stream: &ResponseStream, conversation: &str) {
    let metadata = json!({"usage": {"prompt_tokens": 7, "completion_tokens": 5}});
    event(
        stream,
        "message_end",
        &json!({"conversation_id": conversation, "metadata": metadata}),
    );
}

fn reply(call: Call, conversation: &str, answer: &str) {
    let stream = call.begin();
    say(&stream, conversation, answer);
    end(&stream, conversation);
}

/// Rejects as Dify does: its errors have no object around them.
fn reject(call: Call, status: u16, code: &str) {
    let body = json!({"code": code, "message": "Conversation Not Exists.", "status": status});
    call.respond(status, &[]).send(body.to_string());
}

async fn say_and_hear(client: &mut Client, answer: &str) {
    let heard = client.answer().await;
    assert_eq!(
        (heard.text.as_str(), heard.status.as_str()),
        (answer, "complete")
    );
}

#[tokio::test]
async fn a_conversation_is_kept_over_two_turns_and_a_restart() {
    let mut provider = Provider::start().await;
    let world = World::start(dify(&provider)).await;
    let mut client = ask(&world).await;
    let call = provider.call().await;
    assert_eq!(call.uri, "/v1/chat-messages");
    assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test-key"));
    assert_eq!(
        (
            &call.body["query"],
            &call.body["response_mode"],
            call.body.get("conversation_id")
        ),
        (&json!("hello?"), &json!("streaming"), None)
    );
    let user = call.body["user"].clone();
    let stream = call.begin();
    stream.send("event: ping\n\n");
    event(&stream, "workflow_started", &json!({"data": {}}));
    say(&stream, "c1", "Hi ");
    say(&stream, "c1", "there");
    end(&stream, "c1");
    say_and_hear(&mut client, "Hi there").await;
    // Nothing comes behind the end, so nobody waits for it.
    stream.dropped().await;

    let is_next = |call: &Call, query: &str| {
        assert_eq!(
            (
                &call.body["query"],
                &call.body["conversation_id"],
                &call.body["user"]
            ),
            (&json!(query), &json!("c1"), &user)
        );
    };
    client.say("s", "c2", "and?").await;
    let call = provider.call().await;
    is_next(&call, "and?");
    reply(call, "c1", "So.");
    say_and_hear(&mut client, "So.").await;

    let mut stopping = world.stop();
    stopping.stopped().await;
    let world = stopping.start_again().await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c3", "still there?").await;
    let call = provider.call().await;
    is_next(&call, "still there?");
    reply(call, "c1", "Yes.");
    say_and_hear(&mut client, "Yes.").await;

    // Another session is another user with another conversation.
    client.say("t", "c4", "new").await;
    let call = provider.call().await;
    assert_ne!(call.body["user"], user);
    assert_eq!(call.body.get("conversation_id"), None);
    reply(call, "c2", "Hi");
    say_and_hear(&mut client, "Hi").await;
}

#[tokio::test]
async fn a_conversation_that_dify_has_lost_is_begun_anew() {
    let mut provider = Provider::start().await;
    let world = World::start(dify(&provider)).await;
    let mut client = ask(&world).await;
    reply(provider.call().await, "c1", "Hi");
    say_and_hear(&mut client, "Hi").await;
    client.say("s", "c2", "and?").await;
    let call = provider.call().await;
    assert_eq!(call.body["conversation_id"], "c1");
    reject(call, 404, "conversation_not_exists");
    let call = provider.call().await;
    assert_eq!(call.body.get("conversation_id"), None);
    let query = call.body["query"].as_str().unwrap();
    assert!(
        query.contains("hello?") && query.contains("Hi") && query.ends_with("and?"),
        "{query}"
    );
    reply(call, "c2", "So.");
    say_and_hear(&mut client, "So.").await;
    client.say("s", "c3", "then?").await;
    let call = provider.call().await;
    assert_eq!(
        (&call.body["conversation_id"], &call.body["query"]),
        (&json!("c2"), &json!("then?"))
    );
    // It is asked once more, and no more.
    reject(call, 404, "not_found");
    reject(provider.call().await, 404, "not_found");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE");
    assert!(provider.is_idle());
}

#[tokio::test]
async fn errors_before_and_in_an_answer() {
    let mut provider = Provider::start().await;
    let world = World::start(dify(&provider)).await;
    let mut client = ask(&world).await;
    reject(provider.call().await, 503, "unknown");
    let busy = json!({"status": 400, "code": "completion_request_error", "message": "busy"});
    let stream = provider.call().await.begin();
    event(&stream, "error", &busy);
    let stream = provider.call().await.begin();
    say(&stream, "c1", "half a sen");
    client.wait_for("ai_response").await;
    event(&stream, "error", &busy);
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
    client.say("s", "c2", "go on").await;
    let call = provider.call().await;
    assert_eq!(
        call.body["conversation_id"], "c1",
        "also of an answer that broke off"
    );
    reject(call, 400, "provider_quota_exceeded");
    client.wait_for("error").await;
    assert!(provider.is_idle(), "no pause fills an account");
}

#[tokio::test]
async fn what_a_moderation_replaces_is_taken_back() {
    let mut provider = Provider::start().await;
    let world = World::start(dify(&provider)).await;
    let mut client = world.connect("u", "session_id=s&after_seq=0").await;
    client.say("s", "c", "hello?").await;
    let stream = provider.call().await.begin();
    say(&stream, "c1", "First you take a much longer text");
    client.wait_for("ai_response").await;
    event(
        &stream,
        "message_replace",
        &json!({"conversation_id": "c1", "answer": "I cannot say."}),
    );
    end(&stream, "c1");
    let is_last = |frame: &Value| frame["metadata"]["done"] == "true";
    let frames = client.until(is_last).await;
    let last = frames.last().unwrap();
    assert_eq!(
        (&last["off"], &last["content"], &last["status"]),
        (&json!(0), &json!("I cannot say."), &json!("refusal"))
    );
    assert_eq!(world.history("u", "s").await[1].1, "I cannot say.");
}
