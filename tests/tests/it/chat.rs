//! Ask, and read the answer.

use serde_json::json;
use tests::{Provider, World, demo, openai};

fn sent(sender: &str, content: &str, status: Option<&str>) -> (String, String, Option<String>) {
    (
        sender.to_owned(),
        content.to_owned(),
        status.map(ToOwned::to_owned),
    )
}

#[tokio::test]
async fn a_question_is_stored_acknowledged_and_answered() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    let hello = client.next().await;
    assert_eq!(
        (&hello["type"], &hello["user_id"]),
        (&json!("connection_status"), &json!("u"))
    );
    assert_eq!(hello["models"], json!([{"id": "demo", "name": "Demo"}]));

    client.say("s1", "c1", "Is it real?").await;
    let bound = client.next().await;
    assert_eq!(
        (&bound["session_id"], &bound["metadata"]["op"]),
        (&json!("s1"), &json!("hello"))
    );
    let ack = client.next().await;
    assert_eq!(
        (&ack["metadata"]["op"], &ack["client_id"], &ack["seq"]),
        (&json!("ack"), &json!("c1"), &json!(1))
    );
    assert_eq!(client.next().await["type"], "loading");
    let answer = client.answer().await;
    assert_eq!((answer.status.as_str(), answer.seq), ("complete", 2));
    assert!(answer.text.contains("> Is it real?"), "{}", answer.text);

    let expected = [
        sent("user", "Is it real?", None),
        sent("ai", &answer.text, Some("complete")),
    ];
    assert_eq!(world.history("u", "s1").await, expected);
    let (_, list) = world.get("u", "/sessions").await;
    assert_eq!(
        (&list["count"], &list["sessions"][0]["id"]),
        (&json!(1), &json!("s1"))
    );
    assert_eq!(list["sessions"][0]["name"], "Is it real?");
    assert!(
        list["sessions"][0]["total_tokens"].as_i64().unwrap() > 0,
        "usage is kept"
    );
}

#[tokio::test]
async fn a_client_of_the_go_service_is_served() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    let message = json!({"type": "user_message", "content": "hi", "timestamp": "2026-01-01T00:00:00Z", "sender": "user"});
    client.send(message).await;
    let session = client.wait_for("ack").await["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(client.answer().await.status, "complete");
    client
        .send(json!({"type": "user_message", "content": "and now?"}))
        .await;
    assert_eq!(client.answer().await.status, "complete");
    assert_eq!(
        world.history("u", &session).await.len(),
        4,
        "a message without a session makes one, and the next follows it"
    );
}

#[tokio::test]
async fn sending_twice_stores_once() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c1", "once").await;
    let first = client.wait_for("ack").await;
    client.say("s", "c1", "once").await;
    let second = client.wait_for("ack").await;
    assert_eq!(
        (&first["id"], &first["seq"]),
        (&second["id"], &second["seq"])
    );
    client.say("s", "c1", "something else").await;
    let refused = client.wait_for("error").await;
    assert_eq!(
        (&refused["error"]["code"], &refused["client_id"]),
        (&json!("INVALID_FORMAT"), &json!("c1"))
    );
    provider.call().await.reply("yes");
    client.answer().await;
    assert!(provider.is_idle(), "one question, one call");
    assert_eq!(world.history("u", "s").await.len(), 2);
}

#[tokio::test]
async fn the_model_is_told_the_whole_conversation() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c1", "My name is Ada.").await;
    let call = provider.call().await;
    assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test-key"));
    assert_eq!(
        (&call.body["model"], &call.body["stream"]),
        (&json!("small"), &json!(true))
    );
    assert_eq!(
        call.messages(),
        [("system", "Be brief."), ("user", "My name is Ada.")]
    );
    call.reply("Hello Ada.");
    client.answer().await;
    client.say("s", "c2", "What is it?").await;
    let call = provider.call().await;
    assert_eq!(
        call.messages(),
        [
            ("system", "Be brief."),
            ("user", "My name is Ada."),
            ("assistant", "Hello Ada."),
            ("user", "What is it?")
        ]
    );
    call.reply("Ada.");
    assert_eq!(client.answer().await.text, "Ada.");
    let (_, list) = world.get("u", "/sessions").await;
    assert_eq!(
        list["sessions"][0]["total_tokens"], 24,
        "both answers' usage, as the provider counted it"
    );
}

#[tokio::test]
async fn every_device_of_a_user_sees_the_conversation() {
    let world = World::start(demo()).await;
    let mut phone = world.connect("u", "").await;
    phone.say("s", "c1", "first").await;
    phone.answer().await;
    let mut laptop = world.connect("u", "session_id=s&after_seq=2").await;
    laptop.wait_for("caught_up").await;
    phone.say("s", "c2", "second").await;
    let told = laptop.wait_for("user_message").await;
    assert_eq!(
        (&told["content"], &told["seq"], &told["client_id"]),
        (&json!("second"), &json!(3), &json!("c2"))
    );
    assert_eq!(laptop.answer().await, phone.answer().await);
}

#[tokio::test]
async fn questions_are_answered_in_order_and_a_few_may_wait() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    for name in ["one", "two", "three", "four"] {
        client.say("s", name, name).await;
    }
    let refused = client.wait_for("error").await;
    assert_eq!(
        (&refused["error"]["code"], &refused["client_id"]),
        (&json!("SERVICE_ERROR"), &json!("four"))
    );
    for name in ["one", "two", "three"] {
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", name)));
        assert!(provider.is_idle(), "one at a time");
        call.reply(&format!("to {name}"));
        assert_eq!(client.answer().await.text, format!("to {name}"));
    }
    let senders: Vec<_> = world
        .history("u", "s")
        .await
        .into_iter()
        .map(|(_, content, _)| content)
        .collect();
    assert_eq!(
        senders,
        ["one", "two", "three", "to one", "to two", "to three"]
    );
}

#[tokio::test]
async fn a_visitor_who_leaves_finds_the_answer() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "and?").await;
    let stream = provider.call().await.begin();
    stream.push("so ");
    client.wait_for("ai_response").await;
    client.vanish();
    stream.push("what");
    stream.end();
    let mut client = world.connect("u", "session_id=s&after_seq=1").await;
    assert_eq!(client.answer().await.text, "so what");
    assert_eq!(
        world.history("u", "s").await[1],
        sent("ai", "so what", Some("complete"))
    );
}

#[tokio::test]
async fn bad_frames_are_answered_and_the_connection_stays() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    for text in [
        "{",
        "[]",
        r#"{"type":"ping"}"#,
        r#"{"type":"loading","session_id":"s"}"#,
    ] {
        client.send_text(text.to_owned()).await;
        assert_eq!(
            client.wait_for("error").await["error"]["code"],
            "INVALID_FORMAT",
            "{text}"
        );
    }
    client.say("s", "c", "still there?").await;
    assert_eq!(client.answer().await.status, "complete");
}
