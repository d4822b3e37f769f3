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
