//! The server on a MongoDB: alone, beside another one, and while the database is away.

use serde_json::json;
use tests::mongodb::Database;
use tests::{Provider, Proxy, World, demo, openai};

#[tokio::test]
async fn a_conversation_goes_on_after_a_restart() {
    let database = Database::new();
    let world = World::start_on_mongodb(&database, demo()).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c1", "hello").await;
    let first = client.answer().await;
    assert_eq!((first.status.as_str(), first.seq), ("complete", 2));
    let mut stopping = world.stop();
    stopping.stopped().await;
    let world = stopping.start_again().await;
    let mut client = world.connect("u", "session_id=s").await;
    client.say("s", "c2", "again").await;
    client
        .until(|frame| frame["seq"] == 4 && frame["metadata"]["done"] == "true")
        .await;
    let history = world.history("u", "s").await;
    let senders: Vec<_> = history.iter().map(|line| line.0.as_str()).collect();
    assert_eq!(senders, ["user", "ai", "user", "ai"]);
    assert_eq!(history[1].1, first.text);
}

#[tokio::test]
async fn two_servers_without_a_bus_catch_up_from_the_store() {
    let database = Database::new();
    let one = World::start_on_mongodb(&database, demo()).await;
    let other = World::start_on_mongodb(&database, demo()).await;
    let mut asker = one.connect("u", "").await;
    asker.say("s", "c1", "hello").await;
    let told = asker.answer().await;
    let mut reader = other.connect("u", "session_id=s&after_seq=0").await;
    assert_eq!(reader.answer().await.text, told.text);
    // The same message sent to both is stored once.
    let mut duplicate = other.connect("u", "").await;
    duplicate.say("s", "c1", "hello").await;
    let ack = duplicate.wait_for("ack").await;
    assert_eq!(ack["seq"], 1, "{ack}");
    assert_eq!(one.history("u", "s").await, other.history("u", "s").await);
    assert_eq!(one.history("u", "s").await.len(), 2);
}

#[tokio::test]
async fn an_answer_goes_on_while_the_database_is_away_and_nothing_acknowledged_is_lost() {
    let mut provider = Provider::start().await;
    let database = Database::new();
    let proxy = Proxy::start(database.address()).await;
    let world = World::start_on_mongodb(&database.behind(&proxy), openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c1", "go on").await;
    let stream = provider.call().await.begin();
    stream.push("first ");
    client.wait_for("ai_response").await;

    proxy.cut();
    stream.push("second ");
    let live = client.wait_for("ai_response").await;
    assert_eq!(live["content"], "second ", "{live}");
    client.say("s", "c2", "stored?").await;
    stream.push("meanwhile ");
    let mut frames = client.until(|frame| frame["type"] == "error").await;
    let refused = frames.pop().unwrap();
    assert!(
        frames.iter().any(|frame| frame["content"] == "meanwhile "),
        "who sends sees the answer go on: {frames:?}"
    );
    assert_eq!(
        refused["error"]["code"],
        json!("DATABASE_ERROR"),
        "{refused}"
    );
    assert_eq!(refused["error"]["recoverable"], true, "{refused}");
    assert!(
        refused["error"]["retry_after"].as_i64() > Some(0),
        "{refused}"
    );
    let (status, body) = world.get("u", "/sessions/s").await;
    assert_eq!(
        (status, &body["code"]),
        (503, &json!("DATABASE_ERROR")),
        "{body}"
    );
    stream.push("third");
    stream.end();

    proxy.forward_to(database.address());
    let end = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await
        .pop()
        .unwrap();
    assert_eq!(end["status"], "complete", "{end}");
    client.say("s", "c2", "stored?").await;
    client.wait_for("ack").await;
    provider.call().await.reply("yes");
    client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await;
    let history = world.history("u", "s").await;
    let contents: Vec<_> = history.iter().map(|line| line.1.as_str()).collect();
    assert_eq!(
        contents,
        ["go on", "first second meanwhile third", "stored?", "yes"]
    );
}
