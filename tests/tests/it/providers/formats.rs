//! An answer is never lost to a field, or a form, that does not matter.

use serde_json::json;
use tests::{Provider, World, openai};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::ask;
use super::cancel::Connection;

#[tokio::test]
async fn an_answer_is_taken_in_each_form() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let whole = json!({"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Hi"},
        "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}});
    let json_type = ("content-type", "application/json");
    for (name, headers, body) in [
        ("document", vec![json_type], whole.to_string()),
        ("document-as-stream", vec![], format!("{whole:#}\n")),
        ("document-in-stream", vec![], format!("data: {whole}\n\n")),
        ("document-with-mark", vec![json_type], format!("\u{feff}{whole}")),
        (
            "lines",
            vec![("content-type", "application/x-ndjson")],
            "{\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n{\"choices\":[{\"delta\":{\"content\":\"i\"},\"finish_reason\":\"stop\"}]}\n"
                .to_owned(),
        ),
        (
            "mark",
            vec![],
            "\u{feff}data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n".to_owned(),
        ),
        (
            "unfinished-event",
            vec![],
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}".to_owned(),
        ),
        (
            "returns",
            vec![],
            ": hello\r\nevent: message\r\nid: 1\r\nretry: 5\r\ndata:{\"choices\":[{\"delta\":\r\ndata:{\"content\":\"Hi\"}}]}\r\n\r\ndata:[DONE]\r\n\r\n"
                .to_owned(),
        ),
        (
            "pings",
            vec![],
            "data: ping\n\ndata:\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"
                .to_owned(),
        ),
        (
            "no-blank-lines",
            vec![],
            "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\ndata: {\"choices\":[{\"delta\":{\"content\":\"i\"}}]}\ndata: [DONE]\n"
                .to_owned(),
        ),
        (
            "odd-types",
            vec![],
            "data: {\"id\":7,\"choices\":[{\"index\":\"0\",\"delta\":{\"role\":[],\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":\"3\",\"completion_tokens\":1.5}}\n\ndata: {\"choices\":null,\"usage\":[],\"error\":null}\n\ndata: {\"choices\":[{\"delta\":null,\"finish_reason\":\"stop\"}]}\n\n"
                .to_owned(),
        ),
        (
            "error-behind-the-end",
            vec![],
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"error\":\"x\"}\n\n".to_owned(),
        ),
    ] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        provider.call().await.respond(200, &headers).send(body);
        let answer = client.answer().await;
        assert_eq!((answer.text.as_str(), answer.status.as_str()), ("Hi", "complete"), "{name}");
        assert!(provider.is_idle(), "{name}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_end_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = openai(&Provider::start().await);
    let openai = config.models[0].openai.as_mut().unwrap();
    openai.base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let world = World::start(config).await;
    for (name, reason, status) in [
        ("ended", r#""stop""#, "complete"),
        ("not-ended", "null", "failed"),
    ] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let mut connection = Connection::accept(&listener).await;
        connection.read_until("hello?").await;
        let event = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"Hi\"}},\"finish_reason\":{reason}}}]}}\n\n"
        );
        // More is promised than comes.
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            2 * event.len()
        );
        let response = head + &event;
        connection.0.write_all(response.as_bytes()).await.unwrap();
        client.wait_for("ai_response").await;
        drop(connection);
        let frames = client
            .until(|frame| frame["metadata"]["done"] == "true")
            .await;
        assert_eq!(frames[frames.len() - 1]["status"], status, "{name}");
        assert_eq!(world.history("u", name).await[1].1, "Hi");
    }
}

#[tokio::test]
async fn an_answer_that_has_ended_does_not_wait_for_the_end_of_the_stream() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    stream.push("Hi");
    stream.event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("Hi", "complete")
    );
    stream.dropped().await;
}

#[tokio::test]
async fn a_page_is_no_answer_and_is_not_asked_for_again() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let page = provider
        .call()
        .await
        .respond(200, &[("content-type", "text/html")]);
    page.send("<!doctype html><title>Sign in</title>");
    assert_eq!(client.answer().await.status, "failed");
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "LLM_UNAVAILABLE"
    );
    assert!(provider.is_idle());
}
