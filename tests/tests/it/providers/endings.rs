//! How an answer ended is what the visitor is told.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Provider, World, openai};

use super::ask;

fn end(reason: &str) -> Value {
    json!({"choices": [{"delta": {}, "finish_reason": reason}]})
}

#[tokio::test]
async fn why_the_model_stopped_is_a_status() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let refusal = json!({"choices": [{"delta": {"refusal": "I cannot."}, "finish_reason": null}]});
    let filtered = Some("LLM_CONTENT_FILTERED");
    for (name, events, text, status, code) in [
        ("stop", vec![end("stop")], "half", "complete", None),
        ("length", vec![end("length")], "half", "length", None),
        (
            "filter",
            vec![end("content_filter")],
            "half",
            "content_filter",
            filtered,
        ),
        (
            "refusal",
            vec![refusal, end("stop")],
            "halfI cannot.",
            "refusal",
            None,
        ),
        // Some write this into every piece.
        (
            "blank",
            vec![end(""), end("null"), end("stop")],
            "half",
            "complete",
            None,
        ),
    ] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let stream = provider.call().await.begin();
        stream.push("half");
        for event in &events {
            stream.event(event);
        }
        stream.send("data: [DONE]\n\n");
        let answer = client.answer().await;
        assert_eq!(
            (answer.text.as_str(), answer.status.as_str()),
            (text, status),
            "{name}"
        );
        if let Some(code) = code {
            let error = client.wait_for("error").await;
            assert_eq!(
                (&error["error"]["code"], &error["run"]),
                (&json!(code), &json!(answer.run))
            );
        }
        let history = world.history("u", name).await;
        assert_eq!(
            (history[1].1.as_str(), history[1].2.as_deref()),
            (text, Some(status))
        );
        assert!(provider.is_idle(), "{name}");
    }
}

#[tokio::test]
async fn an_answer_that_ends_early_before_its_first_word_is_not_complete() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    for (reason, status) in [("length", "length"), ("content_filter", "content_filter")] {
        let mut client = world.connect("u", "").await;
        client.say(reason, "c", "hello?").await;
        provider.call().await.begin().event(&end(reason));
        let answer = client.answer().await;
        assert_eq!((answer.text.as_str(), answer.status.as_str()), ("", status));
    }
}

#[tokio::test]
async fn a_question_that_is_filtered_is_told_as_such() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let error = json!({"message": "no", "type": "invalid_request_error", "code": "content_filter"});
    provider.call().await.reject_with(400, &error);
    assert_eq!(client.answer().await.status, "content_filter");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_CONTENT_FILTERED");
}

/// Each of these is asked three times, and none of them is an answer.
#[tokio::test]
async fn a_stream_without_an_answer_is_never_complete() {
    let bodies = [
        "data: {\"object\":\"error\",\"message\":\"x\",\"code\":500}\n\ndata: [DONE]\n\n",
        "event: error\ndata: {\"message\":\"x\"}\n\ndata: [DONE]\n\n",
        "data: {\"error\":\"overloaded\"}\n\ndata: [DONE]\n\n",
        "data: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\" \\n\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
        ": hello\n\n",
        "{\"object\":\"error\",\"message\":\"x\",\"code\":500}",
        "",
    ];
    join_all(bodies.map(|body| async move {
        let mut provider = Provider::start().await;
        let world = World::start(openai(&provider)).await;
        let mut client = ask(&world).await;
        for _ in 0..3 {
            provider.call().await.begin().send(body);
        }
        let answer = client.answer().await;
        assert_eq!(
            (answer.text.as_str(), answer.status.as_str()),
            ("", "failed"),
            "{body}"
        );
        let error = client.wait_for("error").await;
        assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE", "{body}");
        assert!(provider.is_idle(), "{body}");
    }))
    .await;
}

#[tokio::test]
async fn an_answer_after_one_without_a_word_is_taken() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    provider.call().await.begin().send("data: [DONE]\n\n");
    provider.call().await.reply("at last");
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("at last", "complete")
    );
}
