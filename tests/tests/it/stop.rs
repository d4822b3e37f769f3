//! The server stops, and nobody loses a word.

use serde_json::json;
use tests::Client;
use tests::{Process, Provider, World, demo, openai};

#[tokio::test]
async fn a_running_answer_may_finish() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "go on").await;
    let stream = provider.call().await.begin();
    stream.push("almost ");
    client.wait_for("ai_response").await;
    let (ready, ws, token) = (
        format!("http://{}/readyz", world.internal),
        world.ws(""),
        world.token("u"),
    );
    let mut stopping = world.stop();
    while reqwest::get(&ready).await.unwrap().status() != 503 {
        tokio::task::yield_now().await;
    }
    assert!(
        Client::connect(&ws, &token).await.is_err(),
        "no new connections"
    );
    client.say("s", "c2", "one more").await;
    client.wait_for("ack").await;
    stream.push("done");
    stream.end();
    let end = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await
        .pop()
        .unwrap();
    assert_eq!(end["status"], "complete");
    assert_eq!(client.closed().await, 1001);
    stopping.stopped().await;

    let world = stopping.start_again().await;
    let call = provider.call().await;
    assert_eq!(
        call.messages().last(),
        Some(&("user", "one more")),
        "what came in meanwhile is answered next"
    );
    call.reply("here");
    let mut client = world.connect("u", "session_id=s&after_seq=3").await;
    assert_eq!(client.answer().await.text, "here");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_kept_as_far_as_it_came() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.server.drain_seconds = 0;
    let world = World::start(config).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "go on").await;
    let stream = provider.call().await.begin();
    stream.push("this takes");
    client.wait_for("ai_response").await;
    let mut stopping = world.stop();
    let end = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await
        .pop()
        .unwrap();
    assert_eq!(
        (&end["status"], &end["off"]),
        (&json!("interrupted"), &json!(10))
    );
    assert_eq!(client.closed().await, 1001);
    stream.dropped().await;
    stopping.stopped().await;
    let world = stopping.start_again().await;
    let history = world.history("u", "s").await;
    assert_eq!(
        (history[1].1.as_str(), history[1].2.as_deref()),
        ("this takes", Some("interrupted"))
    );
}

#[tokio::test]
async fn a_process_ends_well_and_its_log_holds_no_token() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(env!("CARGO_BIN_EXE_server"), &home, &demo()).await;
    let token = process.guest().await;
    let url = format!("ws://{}/chatbox/ws?token={token}", process.public);
    let mut client = Client::connect_with(&url, &std::collections::BTreeMap::new())
        .await
        .unwrap();
    client.say("s", "c", "my private words").await;
    client.answer().await;
    assert_eq!(process.terminate().await, Some(0));
    assert_eq!(client.closed().await, 1001);
    let log = process.rest_of_log().await;
    assert!(
        log.contains("/chatbox/ws"),
        "requests are logged at this level: {log}"
    );
    for secret in [
        token.as_str(),
        "my private words",
        "sk-test-key",
        "7d1f0c5a9be24c3f8a6e1b0d4c7f2e93",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// A planned stop is no worse than a crash.
#[tokio::test]
async fn a_run_that_had_said_nothing_is_asked_again_by_the_next_process() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.server.drain_seconds = 0;
    let world = World::start(config).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "think long").await;
    let call = provider.call().await;
    let mut stopping = world.stop();
    stopping.stopped().await;
    call.dropped().await;
    assert_eq!(client.closed().await, 1001);

    let world = stopping.start_again().await;
    provider.call().await.reply("thought");
    let mut client = world.connect("u", "session_id=s&after_seq=1").await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str(), answer.seq),
        ("thought", "complete", 2)
    );
}
