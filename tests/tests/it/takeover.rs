//! Members of staff who take a conversation over, and give it back.

use serde_json::{Value, json};
use tests::{Client, Provider, World, demo, openai};

fn about(kind: &str) -> Value {
    json!({"type": kind, "session_id": "s"})
}

async fn done(client: &mut Client) -> Value {
    let frames = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await;
    frames.into_iter().next_back().unwrap()
}

/// A visitor with an answer in the middle, and a member of staff who has just connected.
async fn in_the_middle(world: &World, provider: &mut Provider) -> (Client, tests::ResponseStream) {
    let mut visitor = world.connect("u", "").await;
    visitor.say("s", "c1", "Where is my parcel?").await;
    let stream = provider.call().await.begin();
    stream.push("It may be ");
    visitor.wait_for("ai_response").await;
    (visitor, stream)
}

#[tokio::test]
async fn a_human_answers_in_the_middle_of_an_answer_and_gives_it_back() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let (mut visitor, stream) = in_the_middle(&world, &mut provider).await;
    let mut admin = world.connect("admin1", "").await;
    admin.send(about("admin_join")).await;
    stream.dropped().await;
    let ended = done(&mut visitor).await;
    assert_eq!(
        (&ended["status"], &ended["seq"]),
        (&json!("superseded"), &json!(2))
    );
    let join = visitor.next().await;
    assert_eq!(
        (&join["type"], &join["seq"]),
        (&json!("admin_join"), &json!(3))
    );
    assert_eq!(join["metadata"]["admin_id"], "admin1");
    assert_eq!(join["content"], "admin1 has joined the conversation.");
    assert_eq!(admin.wait_for("admin_join").await["seq"], 3);
    assert_eq!(admin.wait_for("caught_up").await["seq"], 3);
    // The member of staff reads what was said.
    let texts: Vec<_> = world
        .history("admin1", "s")
        .await
        .into_iter()
        .map(|line| line.1)
        .collect();
    assert_eq!(texts, ["Where is my parcel?", "It may be "]);

    admin.say("s", "a1", "It is at the door.").await;
    assert_eq!(admin.wait_for("ack").await["seq"], 4);
    let told = visitor.next().await;
    assert_eq!(
        (&told["type"], &told["sender"], &told["content"]),
        (
            &json!("user_message"),
            &json!("admin"),
            &json!("It is at the door.")
        )
    );
    assert_eq!(told["metadata"]["admin_name"], "admin1");
    visitor.say("s", "c2", "Thank you!").await;
    assert_eq!(visitor.wait_for("ack").await["seq"], 5);
    assert_eq!(
        admin.wait_for("user_message").await["content"],
        "Thank you!"
    );
    assert!(provider.is_idle(), "no model is asked");

    admin.send(about("admin_leave")).await;
    assert_eq!(admin.wait_for("admin_leave").await["seq"], 6);
    assert_eq!(visitor.wait_for("admin_leave").await["seq"], 6);
    // It is none of theirs any more.
    admin.say("s", "a2", "Anything else?").await;
    assert_eq!(
        admin.wait_for("error").await["error"]["code"],
        "UNAUTHORIZED"
    );
    assert_eq!(world.get("admin1", "/sessions/s").await.0, 404);
    visitor.say("s", "c3", "And the invoice?").await;
    let call = provider.call().await;
    let asked: Vec<_> = call
        .messages()
        .into_iter()
        .map(|message| message.1.to_owned())
        .collect();
    assert_eq!(
        asked[..3],
        ["Be brief.", "Where is my parcel?", "It may be "]
    );
    assert_eq!(asked.len(), 4);
    let expected = "What they said:]\nadmin1: It is at the door.\nUser: Thank you!\n[You are answering again.]\n\nAnd the invoice?";
    assert!(asked[3].ends_with(expected), "{}", asked[3]);
    call.reply("Here.");
    assert_eq!(done(&mut visitor).await["status"], "complete");
    let (_, list) = world.get("u", "/sessions").await;
    assert_eq!(list["sessions"][0]["admin_assisted"], true);
    assert_eq!(list["sessions"][0].get("assisting_admin_name"), None);
}

#[tokio::test]
async fn who_may_take_a_conversation_over() {
    let world = World::start(demo()).await;
    let mut visitor = world.connect("u", "").await;
    visitor.say("s", "c1", "hello").await;
    visitor.answer().await;
    for (user, kind, code) in [
        ("v", "admin_join", "UNAUTHORIZED"),
        ("u", "admin_join", "UNAUTHORIZED"),
        ("u", "admin_leave", "UNAUTHORIZED"),
    ] {
        let mut client = world.connect(user, "").await;
        client.send(about(kind)).await;
        assert_eq!(
            client.wait_for("error").await["error"]["code"],
            code,
            "{user} {kind}"
        );
    }
    // Staff read nothing before they have it.
    assert_eq!(world.get("admin1", "/sessions/s").await.0, 404);
    let mut first = world.connect("admin1", "session_id=s&after_seq=0").await;
    assert_eq!(
        first.wait_for("error").await["error"]["code"],
        "UNAUTHORIZED"
    );
    first.send(about("admin_join")).await;
    first.wait_for("admin_join").await;
    let mut second = world.connect("admin2", "").await;
    second.send(about("admin_join")).await;
    let refused = second.wait_for("error").await;
    assert_eq!(refused["error"]["code"], "INVALID_FORMAT");
    // On another device, and twice.
    let mut again = world.connect("admin1", "").await;
    again.send(about("admin_join")).await;
    assert_eq!(again.wait_for("caught_up").await["seq"], 3);
    again.say("s", "a1", "Hi").await;
    assert_eq!(first.wait_for("user_message").await["sender"], "admin");
    first.send(about("admin_leave")).await;
    again.wait_for("admin_leave").await;
    second.send(about("admin_join")).await;
    second.wait_for("admin_join").await;
}

#[tokio::test]
async fn a_conversation_is_taken_over_by_http() {
    let world = World::start(demo()).await;
    let mut visitor = world.connect("u", "").await;
    visitor.say("s", "c1", "hello").await;
    visitor.answer().await;
    for (user, session, status, code) in [
        ("u", "s", 403, "FORBIDDEN"),
        ("admin1", "t", 404, "NOT_FOUND"),
        ("admin1", "a%20b", 400, "BAD_REQUEST"),
    ] {
        let refused = world
            .post(user, &format!("/admin/takeover/{session}"))
            .await;
        assert_eq!(
            (refused.0, &refused.1["code"]),
            (status, &json!(code)),
            "{user} {session}"
        );
    }
    for _ in 0..2 {
        let (status, body) = world.post("admin1", "/admin/takeover/s").await;
        assert_eq!(
            (status, &body["session_id"], &body["admin_id"]),
            (200, &json!("s"), &json!("admin1"))
        );
    }
    assert_eq!(visitor.wait_for("admin_join").await["seq"], 3);
    let (status, body) = world.post("admin2", "/admin/takeover/s").await;
    assert_eq!((status, &body["code"]), (400, &json!("BAD_REQUEST")));
    let (_, list) = world.get("u", "/sessions").await;
    assert_eq!(list["sessions"][0]["assisting_admin_name"], "admin1");
}

#[tokio::test]
async fn who_vanishes_leaves_the_conversation_after_a_while() {
    let mut config = demo();
    config.takeover.away_seconds = 1;
    let world = World::start(config).await;
    let mut visitor = world.connect("u", "").await;
    visitor.say("s", "c1", "hello").await;
    visitor.answer().await;
    let mut admin = world.connect("admin1", "").await;
    admin.send(about("admin_join")).await;
    admin.wait_for("admin_join").await;
    visitor.wait_for("admin_join").await;
    // To look for another conversation with the same connection is to go, too.
    admin.resume("elsewhere").await;
    let left = visitor.wait_for("admin_leave").await;
    assert_eq!(left["metadata"]["admin_id"], "admin1");
    visitor.say("s", "c3", "Hello?").await;
    visitor.wait_for("loading").await;
    done(&mut visitor).await;
    let mut admin = world.connect("admin1", "").await;
    admin.send(about("admin_join")).await;
    admin.wait_for("admin_join").await;
    visitor.wait_for("admin_join").await;
    admin.vanish();
    visitor.wait_for("admin_leave").await;
    visitor.say("s", "c2", "Are you there?").await;
    assert_eq!(done(&mut visitor).await["status"], "complete");
}

#[tokio::test]
async fn a_visitor_asks_for_a_human_and_is_told_that_somebody_knows() {
    let world = World::start(demo()).await;
    let mut visitor = world.connect("u", "session_id=s&after_seq=0").await;
    let mut other = world.connect("u", "session_id=s&after_seq=0").await;
    visitor.send(about("help_request")).await;
    assert_eq!(other.wait_for("help_request").await["seq"], 1);
    assert!(visitor.wait_for("help").await["content"].is_string());
    visitor.send(about("help_request")).await;
    visitor.wait_for("help").await;
    visitor.say("s", "c1", "hello").await;
    assert_eq!(
        done(&mut visitor).await["seq"],
        3,
        "asked for once, and answered"
    );
    assert_eq!(world.get("u", "/admin/help-requests").await.0, 403);
    let (_, waiting) = world.get("admin1", "/admin/help-requests").await;
    assert_eq!(
        (&waiting["count"], &waiting["sessions"][0]["id"]),
        (&json!(1), &json!("s"))
    );
    assert!(waiting["sessions"][0]["waiting_since"].is_string());
    let mut stranger = world.connect("v", "").await;
    stranger.send(about("help_request")).await;
    assert_eq!(
        stranger.wait_for("error").await["error"]["code"],
        "UNAUTHORIZED"
    );
    // A page of the predecessor shows words alone.
    let texts: Vec<_> = world
        .history("u", "s")
        .await
        .into_iter()
        .map(|line| line.0)
        .collect();
    assert_eq!(texts, ["user", "ai"]);
}

#[tokio::test]
async fn the_other_side_sees_who_is_writing() {
    let world = World::start(demo()).await;
    let mut visitor = world.connect("u", "").await;
    visitor.say("s", "c1", "hello").await;
    visitor.answer().await;
    let mut admin = world.connect("admin1", "").await;
    admin.send(about("admin_join")).await;
    admin.wait_for("caught_up").await;
    visitor.wait_for("admin_join").await;
    admin.send(about("typing_indicator")).await;
    assert_eq!(
        visitor.wait_for("typing_indicator").await["sender"],
        "admin"
    );
    for _ in 0..5 {
        visitor.send(json!({"type": "typing_indicator"})).await;
    }
    visitor.say("s", "c2", "So?").await;
    let frames = admin.until(|frame| frame["type"] == "user_message").await;
    let typing: Vec<_> = frames
        .iter()
        .filter(|frame| frame["type"] == "typing_indicator")
        .collect();
    assert_eq!(typing.len(), 1, "passed on now and then: {frames:?}");
    assert_eq!(typing[0]["sender"], "user");
    let own = visitor.until(|frame| frame["client_id"] == "c2").await;
    assert!(own.iter().all(|frame| frame["type"] != "typing_indicator"));
}

/// A member of staff comes at any moment of an answer that is as fast as it can be.
#[tokio::test]
async fn no_word_of_a_model_comes_after_a_human() {
    let rounds = std::env::var("SOAK_ROUNDS").map_or(40, |rounds| rounds.parse().unwrap());
    let mut config = demo();
    config.limits.messages_per_minute = 10_000;
    let world = World::start(config).await;
    let mut admin = world.connect("admin1", "").await;
    let mut superseded = 0;
    for round in 0..rounds {
        let session = format!("s{round}");
        let user = format!("u{round}");
        let mut visitor = world.connect(&user, "").await;
        let mut other = world
            .connect(&user, &format!("session_id={session}&after_seq=0"))
            .await;
        visitor.say(&session, "c", &"word ".repeat(50)).await;
        // After as many frames as the round says, or when the answer has ended.
        for _ in 0..round % 23 {
            if visitor.next().await["metadata"]["done"] == "true" {
                break;
            }
        }
        admin
            .send(json!({"type": "admin_join", "session_id": session}))
            .await;
        let join = admin
            .until(|frame| frame["type"] == "admin_join")
            .await
            .pop()
            .unwrap();
        admin.say(&session, "a", "I am here.").await;
        for client in [&mut visitor, &mut other] {
            let before = client.until(|frame| frame["type"] == "admin_join").await;
            superseded += before
                .iter()
                .filter(|frame| frame["status"] == "superseded")
                .count();
            let after = client.until(|frame| frame["sender"] == "admin").await;
            assert!(
                after.iter().all(|frame| frame["sender"] != "ai"),
                "{after:?}"
            );
            let said = &after[after.len() - 1];
            assert_eq!(
                said["seq"].as_i64(),
                join["seq"].as_i64().map(|seq| seq + 1)
            );
        }
    }
    println!("{rounds} takeovers, {superseded} cut-off answers seen");
    assert!(superseded > 0);
}
