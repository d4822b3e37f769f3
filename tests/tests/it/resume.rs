//! Cut the connection anywhere: each message once, in order, no character lost or doubled.

use std::sync::Arc;

use chatbox::bus::{Bus, Event, LocalBus};
use chatbox::chat::{Admission, Author, DigestKey, Kind, Message, MessageId, Sender, SessionId};
use chatbox::clock;
use chatbox::store::sqlite::Sqlite;
use chatbox::store::{Question, Store};
use rusqlite::Connection;
use serde_json::json;
use tests::{Answer, Provider, World, demo, openai};

#[tokio::test]
async fn an_answer_survives_a_cut_after_every_piece() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "tell me").await;
    client.wait_for("ack").await;
    let stream = provider.call().await.begin();
    let pieces = ["Grüße ", "😀😀", " and ", "more ", "text."];
    let mut answer = Answer::default();
    for (index, piece) in pieces.iter().enumerate() {
        stream.push(piece);
        let told = pieces[..=index].concat();
        while answer.text != told {
            answer.take(&client.next().await);
        }
        client.vanish();
        let off = told.encode_utf16().count();
        let query = format!("session_id=s&after_seq=1&run={}&off={off}", answer.run);
        client = world.connect("u", &query).await;
    }
    stream.end();
    while answer.status.is_empty() {
        answer.take(&client.next().await);
    }
    assert_eq!(answer.text, pieces.concat());
}

#[tokio::test]
async fn who_comes_in_the_middle_is_told_the_beginning() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut first = world.connect("u", "").await;
    first.say("s", "c", "tell me").await;
    let stream = provider.call().await.begin();
    stream.push("once upon ");
    first.wait_for("ai_response").await;
    for query in ["session_id=s&after_seq=0", "session_id=s"] {
        let mut late = world.connect("u", query).await;
        late.wait_for("loading").await;
        assert_eq!(
            late.wait_for("ai_response").await["content"],
            "once upon ",
            "{query}"
        );
    }
    let mut open = world.connect("u", "").await;
    open.send(json!({"type": "connection_status", "session_id": "s", "seq": 0, "metadata": {"op": "resume"}})).await;
    assert_eq!(open.wait_for("user_message").await["content"], "tell me");
    assert_eq!(open.wait_for("ai_response").await["off"], 0);
    stream.end();
    assert_eq!(open.wait_for("caught_up").await["seq"], 1);
    let end = open.wait_for("ai_response").await;
    assert_eq!(
        (&end["off"], &end["seq"], &end["status"]),
        (&json!(10), &json!(2), &json!("complete"))
    );
}

#[tokio::test]
async fn a_second_tab_hears_the_first_message_of_a_new_session() {
    let world = World::start(demo()).await;
    let mut second = world.connect("u", "session_id=new&after_seq=0").await;
    let mut thief = world.connect("thief", "session_id=new&after_seq=0").await;
    assert_eq!(second.wait_for("caught_up").await["seq"], 0);
    assert_eq!(thief.wait_for("caught_up").await["seq"], 0);
    let mut first = world.connect("u", "session_id=new&after_seq=0").await;
    first.say("new", "c", "hello").await;
    assert_eq!(second.wait_for("user_message").await["content"], "hello");
    assert_eq!(second.answer().await, first.answer().await);
    assert_eq!(thief.next().await["error"]["code"], "UNAUTHORIZED");
}

#[tokio::test]
async fn a_question_that_is_sent_again_brings_its_answer() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello").await;
    let answer = client.answer().await;
    client.vanish();
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello").await;
    assert_eq!(client.wait_for("ack").await["seq"], 1);
    assert_eq!(client.answer().await, answer);
}

#[tokio::test]
async fn a_second_tab_that_asks_for_nothing_gets_what_comes_from_now_on() {
    let world = World::start(demo()).await;
    let mut second = world.connect("u", "session_id=new").await;
    second.wait_for("hello").await;
    let mut first = world.connect("u", "session_id=new").await;
    first.say("new", "c", "hello").await;
    assert_eq!(second.wait_for("user_message").await["content"], "hello");
    assert_eq!(second.answer().await, first.answer().await);
}

#[tokio::test]
async fn what_was_missed_comes_in_order() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    for name in ["one", "two"] {
        client.say("s", name, name).await;
        client.answer().await;
    }
    for after in 0..=4 {
        let mut late = world
            .connect("u", &format!("session_id=s&after_seq={after}"))
            .await;
        let frames = late
            .until(|frame| frame["metadata"]["op"] == "caught_up")
            .await;
        let seqs: Vec<_> = frames[1..]
            .iter()
            .map(|frame| frame["seq"].as_i64().unwrap())
            .collect();
        let expected: Vec<_> = (after + 1..=4).chain([4]).collect();
        assert_eq!(seqs, expected, "after {after}");
    }
    let mut ahead = world.connect("u", "session_id=s&after_seq=99").await;
    assert_eq!(
        ahead.wait_for("caught_up").await["seq"],
        4,
        "a client cannot be ahead of the store"
    );
}

#[tokio::test]
async fn who_missed_too_much_is_sent_to_the_history() {
    let world = World::start(demo()).await;
    let data = world.data();
    let mut stopping = world.stop();
    stopping.stopped().await;
    fill(&data, 501).await;
    let world = stopping.start_again().await;
    let mut client = world.connect("u", "session_id=s&after_seq=0").await;
    let end = client.wait_for("caught_up").await;
    assert_eq!(end["metadata"]["recovered"], "false");
    assert!(end["seq"].as_i64().unwrap() >= 501);
    let (_, page) = world.get("u", "/sessions/s?limit=10&before_seq=501").await;
    let seqs: Vec<_> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(
        (seqs, page["has_more"].as_bool()),
        ((491..=500).collect(), Some(true))
    );
}

/// Makes each read of messages fail, as long as `then` takes.
async fn without_messages<T>(world: &World, then: impl Future<Output = T>) -> T {
    let database = Connection::open(world.data().join("chatbox.db")).unwrap();
    database
        .busy_timeout(std::time::Duration::from_secs(5))
        .unwrap();
    database
        .execute_batch("ALTER TABLE messages RENAME TO away")
        .unwrap();
    let done = then.await;
    database
        .execute_batch("ALTER TABLE away RENAME TO messages")
        .unwrap();
    done
}

#[tokio::test]
async fn a_session_that_cannot_be_read_ends_the_connection_and_it_resumes_later() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello").await;
    client.answer().await;
    without_messages(&world, async {
        let mut binding = world.connect("u", "session_id=s&after_seq=0").await;
        client.resume("s").await;
        for client in [&mut binding, &mut client] {
            let error = client.wait_for("error").await;
            assert_eq!(error["error"]["code"], "DATABASE_ERROR");
            assert_eq!(error["error"]["recoverable"], true);
            assert_eq!(client.closed().await, 1011);
        }
    })
    .await;
    let mut back = world.connect("u", "session_id=s&after_seq=0").await;
    assert_eq!(back.wait_for("caught_up").await["seq"], 2);
}

#[tokio::test]
async fn a_catch_up_that_cannot_be_read_ends_the_connection() {
    let bus = Arc::new(LocalBus::default());
    let world = World::start_on(bus.clone(), demo()).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello").await;
    client.answer().await;
    let data = world.data();
    let session = SessionId::parse("s").unwrap();
    let behind = Message {
        id: MessageId::new(),
        session: session.clone(),
        // One that is not the next: the ones between must be read.
        seq: 9,
        client_id: None,
        sender: Sender::User,
        content: "later".to_owned(),
        at: clock::now(),
        replaces: None,
        kind: Kind::Text,
        agent: None,
        answer: None,
    };
    let database = Connection::open(data.join("chatbox.db")).unwrap();
    database
        .execute_batch("ALTER TABLE sessions RENAME TO away")
        .unwrap();
    bus.publish(&session, Event::MessageStored(behind));
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "DATABASE_ERROR"
    );
    assert_eq!(client.closed().await, 1011);
}

async fn fill(data: &std::path::Path, count: usize) {
    let store = Sqlite::open(data).unwrap();
    for index in 0..count {
        let content = format!("hello {index}");
        let question = Question {
            id: MessageId::new(),
            session: SessionId::parse("s").unwrap(),
            client_id: None,
            at: clock::now(),
            name: "hello".to_owned(),
            admission: Admission {
                author: Author {
                    user: "u".to_owned(),
                    name: "u".to_owned(),
                    roles: Vec::new(),
                },
                digest: DigestKey::random().digest(&content),
                pending_max: usize::MAX,
                replaces: None,
            },
            content,
            run: None,
        };
        store.append(question).await.unwrap();
    }
}
