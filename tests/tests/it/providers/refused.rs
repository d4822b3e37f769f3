//! What a provider refuses of a request is left out of it.

use serde_json::{Value, json};
use tests::{Client, Provider, World, openai};

use super::ask;

#[tokio::test]
async fn a_refused_field_costs_nothing_and_is_remembered() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].answer_tokens = Some(50);
    let world = World::start(config).await;
    let mut client = ask(&world).await;

    let call = provider.call().await;
    assert_eq!(
        (
            &call.body["max_tokens"],
            &call.body["stream_options"]["include_usage"]
        ),
        (&json!(50), &json!(true))
    );
    call.reject_with(
        400,
        &json!({"message": "Unrecognized request argument supplied: stream_options"}),
    );
    let call = provider.call().await;
    assert_eq!(
        (&call.body["max_tokens"], call.body.get("stream_options")),
        (&json!(50), None)
    );
    let words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    call.reject_with(
        400,
        &json!({"message": words, "param": "max_tokens", "code": "unsupported_parameter"}),
    );
    let is_adapted = |body: &Value| {
        let has = |name| body.get(name).is_some();
        body["max_completion_tokens"] == 50 && !has("max_tokens") && !has("stream_options")
    };
    let call = provider.call().await;
    assert!(is_adapted(&call.body), "{}", call.body);
    call.reply("Hi");
    assert_eq!(client.answer().await.text, "Hi");

    client.say("s", "c2", "and now?").await;
    let call = provider.call().await;
    assert!(is_adapted(&call.body), "{}", call.body);
    call.reply("Hi");
    assert_eq!(client.answer().await.status, "complete");
}

#[tokio::test]
async fn a_model_without_a_system_role_or_a_stream_answers() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let error = json!({"message": "no", "param": "messages[0].role", "code": "unsupported_value"});
    provider.call().await.reject_with(400, &error);
    let call = provider.call().await;
    assert_eq!(call.messages(), [("user", "Be brief.\n\nhello?")]);
    let error = json!({"message": "no", "param": "stream", "code": "unsupported_value"});
    call.reject_with(400, &error);
    let call = provider.call().await;
    assert_eq!(
        (&call.body["stream"], call.body.get("stream_options")),
        (&json!(false), None)
    );
    let answer = json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]});
    call.respond(200, &[("content-type", "application/json")])
        .send(answer.to_string());
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("Hi", "complete")
    );
}

#[tokio::test]
async fn a_request_that_is_wrong_for_another_reason_is_not_repeated() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    provider
        .call()
        .await
        .reject_with(400, &json!({"message": "no such model", "param": "model"}));
    assert_eq!(client.answer().await.status, "failed");
    assert!(provider.is_idle());
}

/// Asks and answers four times.
async fn talk(world: &World, provider: &mut Provider) -> Client {
    let mut client = world.connect("u", "").await;
    for place in 0..4 {
        client
            .say("s", &format!("c{place}"), &format!("q{place}"))
            .await;
        provider.call().await.reply(&format!("a{place}"));
        client.answer().await;
    }
    client
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_asked_with_half_of_it() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = talk(&world, &mut provider).await;
    client.say("s", "c", "hello?").await;
    let call = provider.call().await;
    assert_eq!(call.messages().len(), 10);
    call.reject_with(
        400,
        &json!({"message": "no", "code": "context_length_exceeded"}),
    );
    let call = provider.call().await;
    assert_eq!(
        call.messages()[1..],
        [
            ("user", "q2"),
            ("assistant", "a2"),
            ("user", "q3"),
            ("assistant", "a3"),
            ("user", "hello?")
        ]
    );
    // As vLLM tells it.
    let words = "This model's maximum context length is 8 tokens. However, you requested 9 tokens.";
    call.reject_with(
        400,
        &json!({"message": words, "type": "BadRequestError", "param": null, "code": 400}),
    );
    let call = provider.call().await;
    assert_eq!(
        call.messages()[1..],
        [("user", "q3"), ("assistant", "a3"), ("user", "hello?")]
    );
    call.reply("Hi");
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("Hi", "complete")
    );
}

#[tokio::test]
async fn a_question_that_is_too_long_has_words_of_its_own() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = talk(&world, &mut provider).await;
    client.say("s", "c", "hello?").await;
    for messages in [10, 6, 4, 2] {
        let call = provider.call().await;
        assert_eq!(call.messages().len(), messages);
        call.reject(413);
    }
    assert_eq!(client.answer().await.status, "failed");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_CONTEXT_TOO_LONG");
    assert!(provider.is_idle());
}
