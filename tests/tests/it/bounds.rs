//! How many answers are written at the same time, and how long they may be.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use chatbox::store::sqlite::Sqlite;
use tests::{FaultyStore, Operation, Provider, World, leave_question, openai};

#[tokio::test]
async fn a_user_has_so_many_answers_at_a_time_and_the_rest_wait_for_their_turn() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.connections_per_user = 5;
    let world = World::start(config).await;
    let mut client = world.connect("u", "").await;
    for name in ["s1", "s2", "s3", "s4", "s5", "s6", "s7"] {
        client.say(name, name, name).await;
        client.wait_for("ack").await;
    }
    let mut asked = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..5 {
        let call = provider.call().await;
        asked.push(call.messages().last().unwrap().1.to_owned());
        calls.push(call);
    }
    asked.sort_unstable();
    assert_eq!(asked, ["s1", "s2", "s3", "s4", "s5"]);
    let mut other = world.connect("other", "").await;
    other.say("o", "c", "of another user").await;
    let call = provider.call().await;
    let question = call.messages().last().unwrap().1.to_owned();
    assert_eq!(question, "of another user", "others do not wait");

    for expected in ["s6", "s7"] {
        calls.pop().unwrap().reply("done");
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", expected)));
        calls.push(call);
        calls.rotate_right(1);
    }
}

#[tokio::test]
async fn what_an_earlier_process_left_is_taken_up_a_part_at_a_time() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let data = world.data();
    let mut stopping = world.stop();
    stopping.stopped().await;
    leave_questions(&data, 40).await;
    let world = stopping.start_again().await;
    let mut calls = Vec::new();
    for _ in 0..32 {
        calls.push(provider.call().await);
    }
    let mut client = world.connect("new", "").await;
    client.say("new", "c", "a new one").await;
    let call = provider.call().await;
    assert_eq!(
        call.messages().last(),
        Some(&("user", "a new one")),
        "the rest of the old ones wait"
    );
    for _ in 0..8 {
        calls.pop().unwrap().reply("done");
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", "left")));
        calls.insert(0, call);
    }
}

async fn leave_questions(data: &std::path::Path, count: usize) {
    let store = Sqlite::open(data).unwrap();
    for index in 0..count {
        let (session, user) = (format!("left-{index}"), format!("user-{index}"));
        leave_question(&store, &session, &user, "left").await;
    }
}

#[tokio::test]
async fn an_answer_has_an_end_in_bytes_and_the_next_one_has_as_many() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    let piece = "x".repeat(900_000);
    for round in ["c1", "c2"] {
        client.say("s", round, "write for ever").await;
        let stream = provider.call().await.begin();
        for _ in 0..5 {
            stream.push(&piece);
        }
        stream.dropped().await;
        let end = client
            .until(|frame| frame["metadata"]["done"] == "true")
            .await
            .pop()
            .unwrap();
        assert_eq!(end["status"], "length");
        let history = world.history("u", "s").await;
        assert_eq!(history.last().unwrap().1.len(), 4 * piece.len());
    }
}

#[tokio::test]
async fn what_an_answer_took_is_free_while_the_next_one_thinks() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    let piece = "x".repeat(900_000);
    client.say("s", "c1", "much").await;
    let stream = provider.call().await.begin();
    for _ in 0..4 {
        stream.push(&piece);
    }
    // It waits behind the first one, whose place it takes.
    client.say("s", "c2", "think").await;
    client.wait_for("ack").await;
    stream.end();
    client.until(|frame| frame["status"] == "complete").await;
    let _thinks = provider.call().await;
    client.say("t", "c3", "much again").await;
    let stream = provider.call().await.begin();
    for _ in 0..4 {
        stream.push(&piece);
    }
    stream.end();
    assert_eq!(client.answer().await.status, "complete");
}

#[tokio::test]
async fn a_session_waits_once_for_its_turn_whatever_the_number_of_its_questions() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.limits.connections_per_user = 1;
    let claims = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&claims);
    let world = World::start_on_store(config, |inner| {
        FaultyStore::new(inner, move |operation, session| {
            let is_counted =
                operation == Operation::Claim && session.is_some_and(|id| id.as_str() == "s");
            counted.fetch_add(usize::from(is_counted), Relaxed);
            None
        })
    })
    .await;
    let mut client = world.connect("u", "").await;
    for (session, client_id) in [
        ("r", "c"),
        ("s", "c1"),
        ("s", "c2"),
        ("s", "c3"),
        ("t", "c"),
    ] {
        client.say(session, client_id, session).await;
        client.wait_for("ack").await;
    }
    for expected in ["r", "s", "s", "s", "t"] {
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", expected)));
        call.reply("done");
    }
    assert_eq!(claims.load(Relaxed), 4, "three questions, and then none");
}
