//! What a model thinks before it answers is nobody's to read.

use serde_json::json;
use tests::{Provider, World, openai};

use super::ask;

#[tokio::test]
async fn thoughts_are_neither_shown_nor_stored_nor_sent_back() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    for field in ["reasoning", "reasoning_content", "thinking"] {
        stream.event(&json!({"choices": [{"delta": {"content": null, field: "secret"}}]}));
    }
    for piece in [
        "\n<th",
        "ink>secret ",
        "😀 secret</th",
        "ink",
        ">\n\nHi",
        " <think>",
    ] {
        stream.push(piece);
    }
    stream.end();
    let frames = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await;
    assert!(
        frames
            .iter()
            .all(|frame| !frame.to_string().contains("secret")),
        "{frames:?}"
    );
    assert_eq!(world.history("u", "s").await[1].1, "Hi <think>");
    client.say("s", "c2", "again?").await;
    let call = provider.call().await;
    assert_eq!(call.messages()[2], ("assistant", "Hi <think>"));
    call.reply("<think>still ");
    // Nothing but thoughts is no answer.
    provider.call().await.reply("Hi");
    assert_eq!(client.answer().await.text, "Hi");
}

#[tokio::test]
async fn thoughts_that_only_their_end_tells_are_taken_back() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "session_id=s&after_seq=0").await;
    client.say("s", "c", "hello?").await;
    let stream = provider.call().await.begin();
    stream.push("Hm, the secret");
    client.wait_for("ai_response").await;
    stream.push(" user</think>\n\nYes.");
    stream.end();
    let is_last = |frame: &serde_json::Value| frame["metadata"]["done"] == "true";
    let frames = client.until(is_last).await;
    let last = &frames[frames.len() - 1];
    assert_eq!(
        (&last["off"], &last["content"]),
        (&json!(0), &json!("Yes."))
    );
    assert_eq!(world.history("u", "s").await[1].1, "Yes.");

    // Whoever has a part of it, and comes back, has it replaced too.
    let (run, off) = (last["run"].as_str().unwrap(), 3);
    let query = format!("session_id=s&after_seq=1&run={run}&off={off}");
    let mut late = world.connect("u", &query).await;
    let last = late.wait_for("ai_response").await;
    assert_eq!(
        (&last["off"], &last["content"]),
        (&json!(0), &json!("Yes."))
    );

    client.say("s", "c2", "again?").await;
    let call = provider.call().await;
    assert_eq!(call.messages()[2], ("assistant", "Yes."));
    call.respond(200, &[]).send(
        r#"{"choices":[{"message":{"content":"secret</think>Yes."},"finish_reason":"stop"}]}"#,
    );
    let frames = client.until(is_last).await;
    assert!(!format!("{frames:?}").contains("secret"), "{frames:?}");
}
