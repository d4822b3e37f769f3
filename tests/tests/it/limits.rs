//! What happens at each limit.

use futures_util::future::select_all;
use serde_json::{Value, json};
use tests::raw::{BINARY, Raw, TEXT};
use tests::{Client, World, demo};
use tokio_tungstenite::tungstenite::Error;

#[tokio::test]
async fn a_connection_too_many_is_told_why_over_its_socket() {
    let mut config = demo();
    config.limits.connections_per_user = 2;
    config.limits.connections = 3;
    let world = World::start(config).await;
    let mut first = world.connect("u", "").await;
    let second = world.connect("u", "").await;
    let mut third = world.connect("u", "session_id=s&after_seq=0").await;
    let error = third.next().await;
    assert_eq!(
        (&error["error"]["code"], &error["error"]["recoverable"]),
        (&json!("CONNECTION_LIMIT_EXCEEDED"), &json!(false))
    );
    assert_eq!(third.closed().await, 4504);

    let _other = world.connect("other", "").await;
    let mut full = world.connect("another", "").await;
    let error = full.next().await;
    assert_eq!(
        (&error["error"]["code"], &error["error"]["recoverable"]),
        (&json!("SERVICE_ERROR"), &json!(true))
    );
    assert!(error["error"]["retry_after"].as_i64().unwrap() >= 1000);
    assert_eq!(full.closed().await, 1013);

    first.say("s", "c", "still served").await;
    assert_eq!(first.answer().await.status, "complete");
    second.vanish();
    loop {
        // The server learns of it a moment later.
        let mut again = world.connect("u", "").await;
        if again.next().await["metadata"]["op"] == "hello" {
            break;
        }
    }
}

/// Somebody who opens very many is refused in the cheapest way.
#[tokio::test]
async fn so_many_are_told_why_at_the_same_time() {
    let mut config = demo();
    config.limits.connections_per_user = 1;
    let world = World::start(config).await;
    let _first = world.connect("u", "").await;
    let mut told = Vec::new();
    let refused = loop {
        // It takes no word of the end, so it stays for a while.
        match Client::connect(&world.ws(""), &world.token("u")).await {
            Ok(client) => told.push(client),
            Err(Error::Http(response)) => break response,
            Err(other) => panic!("{other}"),
        }
        assert!(told.len() < 1000, "nothing is limited");
    };
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "5");
}

#[tokio::test]
async fn failed_upgrades_take_no_seat() {
    let mut config = demo();
    config.limits.connections_per_user = 1;
    let world = World::start(config).await;
    for _ in 0..3 {
        let plain = reqwest::Client::new()
            .get(world.url("/ws"))
            .bearer_auth(world.token("u"))
            .send()
            .await
            .unwrap();
        assert_eq!(plain.status(), 400);
    }
    world.connect("u", "").await.next().await;
}

#[tokio::test]
async fn a_user_who_writes_too_fast_is_told_when_to_go_on() {
    let mut config = demo();
    config.limits.messages_per_minute = 1;
    let world = World::start(config).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c1", "one").await;
    client.answer().await;
    client.say("s", "c2", "two").await;
    let error = client.wait_for("error").await;
    assert_eq!(
        (&error["error"]["code"], &error["client_id"]),
        (&json!("TOO_MANY_REQUESTS"), &json!("c2"))
    );
    assert!((1..=60_000).contains(&error["error"]["retry_after"].as_i64().unwrap()));
    assert_eq!(
        world.history("u", "s").await.len(),
        2,
        "what is refused is not stored"
    );
}

#[tokio::test]
async fn one_address_gets_so_many_guests() {
    let mut config = demo();
    config.limits.guests_per_minute = 1;
    config.server.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    let world = World::start(config).await;
    let guest = async |address: &str| {
        let request = reqwest::Client::new()
            .post(world.url("/guest"))
            .header("x-forwarded-for", address);
        request.send().await.unwrap()
    };
    assert_eq!(guest("192.0.2.1").await.status(), 200);
    let refused = guest("192.0.2.1").await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(guest("192.0.2.2").await.status(), 200);
}

#[tokio::test]
async fn a_frame_that_is_too_big_ends_only_its_connection() {
    let mut config = demo();
    config.limits.frame_bytes = 16_384;
    config.limits.message_chars = 3_000;
    let world = World::start(config).await;
    let (mut big, mut other) = (world.connect("u", "").await, world.connect("u", "").await);
    big.say("s", "c", &"x".repeat(3_001)).await;
    assert_eq!(
        big.wait_for("error").await["error"]["code"],
        "INVALID_FORMAT"
    );
    big.send_text("x".repeat(16_385)).await;
    assert_eq!(big.closed().await, 1009);
    other.say("s", "c", &"ä".repeat(3_000)).await;
    assert_eq!(other.answer().await.status, "complete");
}

/// What was missed comes with the acknowledgement, as after a resume.
#[tokio::test]
async fn who_sends_the_same_again_in_one_session_after_the_other_reads_too() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    let known = [("s", "c"), ("t", "d")];
    for (session, id) in known {
        client.say(session, id, "hello").await;
        client.answer().await;
    }
    let mut served = 0;
    let error = loop {
        let (session, id) = known[served % 2];
        client.say(session, id, "hello").await;
        let last = |frame: &Value| frame["type"] == "error" || frame["metadata"]["op"] == "ack";
        let frame = client.until(last).await.pop().unwrap();
        if frame["type"] == "error" {
            break frame;
        }
        served += 1;
        assert!(served < 90, "nothing is limited");
    };
    assert!(served >= 30, "{served}");
    assert_eq!(error["error"]["code"], "TOO_MANY_REQUESTS");
    assert_eq!(error["error"]["recoverable"], true);
}

#[tokio::test]
async fn who_resumes_too_often_is_told_when_to_go_on() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello").await;
    client.answer().await;
    let mut served = 0;
    let error = loop {
        client.resume("s").await;
        let last = |frame: &Value| frame["type"] == "error" || frame["seq"] == 2;
        let frame = client.until(last).await.pop().unwrap();
        if frame["type"] == "error" {
            break frame;
        }
        client.wait_for("caught_up").await;
        served += 1;
        assert!(served < 1000, "nothing is limited");
    };
    assert!(served >= 30, "{served}");
    assert_eq!(error["error"]["code"], "TOO_MANY_REQUESTS");
    assert_eq!(error["error"]["recoverable"], true);
    assert!(error["error"]["retry_after"].as_i64().unwrap() <= 1000);

    // A history is a read too; one may have become possible meanwhile.
    let mut histories = 0;
    while world.get("u", "/sessions/s").await.0 != 429 {
        histories += 1;
        assert!(histories < 30, "nothing is limited");
    }
    let mut second = world.connect("u", "session_id=s&after_seq=0").await;
    let error = second.wait_for("error").await;
    assert_eq!(error["error"]["code"], "TOO_MANY_REQUESTS");
    assert_eq!(second.closed().await, 1013);

    client.say("s", "c2", "still served").await;
    assert_eq!(client.answer().await.status, "complete");
    let (status, _) = world.get("other", "/sessions").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_frame_that_is_too_big_is_told_to_a_client_that_still_sends_it() {
    let world = World::start(demo()).await;
    let mut client = Raw::connect(&world, "u").await;
    client.head(TEXT, 64 * 1024 * 1024).await;
    let part = vec![b'x'; 64 * 1024];
    for _ in 0..64 {
        // What a server that does not read any more would answer with a reset, and the close code would be lost.
        client.bytes(&part).await;
    }
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn the_default_frame_is_64_kib_and_1_mib_can_be_asked_for() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    client.send_text("x".repeat(65_536)).await;
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "INVALID_FORMAT"
    );
    client.send_text("x".repeat(65_537)).await;
    assert_eq!(client.closed().await, 1009);
    let mut config = demo();
    config.limits.frame_bytes = 1_048_576;
    let world = World::start(config).await;
    let mut client = world.connect("u", "").await;
    client.send_text("x".repeat(1_048_576)).await;
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "INVALID_FORMAT"
    );
}

#[tokio::test]
async fn halves_of_frames_are_bounded_for_a_user() {
    let mut config = demo();
    config.limits.frame_bytes = 1_048_576;
    let world = World::start(config).await;
    let half = vec![b'x'; 1_048_575];
    let mut sockets = Vec::new();
    for user in ["u", "u", "u", "other"] {
        let mut socket = Raw::connect(&world, user).await;
        let (opcode, _hello) = socket.next().await.unwrap();
        assert_eq!(opcode, TEXT);
        socket.head(TEXT, 1_048_576).await;
        socket.bytes(&half).await;
        sockets.push(socket);
    }
    let closing = sockets.iter_mut().map(|socket| Box::pin(socket.closed()));
    let (code, refused, others) = select_all(closing).await;
    drop(others);
    assert_eq!(code, 1013, "a user has two megabytes");
    assert!(refused < 3, "and another user has more");
    sockets.remove(refused);

    let mut small = world.connect("u", "").await;
    small.say("s", "c", "still served").await;
    assert_eq!(small.answer().await.status, "complete");
    for socket in &mut sockets {
        socket.bytes(b"x").await;
        let (_, answer) = socket.next().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["error"]["code"], "INVALID_FORMAT");
    }
    // What became a message is given back.
    let mut again = Raw::connect(&world, "u").await;
    again.head(TEXT, 1_048_576).await;
    again.bytes(&half).await;
    again.bytes(b"x").await;
    assert_eq!(again.next().await.unwrap().0, TEXT);
    assert_eq!(again.next().await.unwrap().0, TEXT);
}

#[tokio::test]
async fn who_is_turned_away_holds_none_of_the_room_for_others() {
    let mut config = demo();
    config.limits.connections_per_user = 1;
    let world = World::start(config).await;
    let _first = world.connect("u", "").await;
    let mut away = Vec::new();
    for _ in 0..2 {
        let mut socket = Raw::connect(&world, "u").await;
        // What a socket with no limit of its own would take, and two of them nearly all that there is.
        let length = 16 * 1024 * 1024 - 1024;
        socket.head(TEXT, length).await;
        for _ in 1..length / 1024 {
            socket.bytes(&[b'x'; 1024]).await;
        }
        away.push(socket);
    }
    let mut other = Raw::connect(&world, "other").await;
    let (opcode, _hello) = other.next().await.unwrap();
    assert_eq!(opcode, TEXT);
    other.head(TEXT, 65_000).await;
    other.bytes(&vec![b'x'; 64_999]).await;
    other.bytes(b"x").await;
    let (opcode, answer) = other.next().await.unwrap();
    assert_eq!(opcode, TEXT, "{answer:?}");
    for socket in &mut away {
        assert_eq!(socket.closed().await, 4504);
    }
}

#[tokio::test]
async fn a_head_has_an_end_in_bytes() {
    let world = World::start(demo()).await;
    let get = async |cookie: usize| {
        let request = reqwest::Client::new()
            .get(world.url("/healthz"))
            .header("cookie", "x".repeat(cookie));
        request.send().await.unwrap().status()
    };
    assert_eq!(get(15 * 1024).await, 200);
    assert_eq!(get(20 * 1024).await, 431);
}

#[tokio::test]
async fn what_is_wrong_with_the_bytes_is_told_with_a_close_code() {
    let world = World::start(demo()).await;
    let head = |first: u8, second: u8| vec![first, second, 0, 0, 0, 0];
    let fragments = [
        &[0x01, 0x81, 0, 0, 0, 0, 0xf0][..],
        &[0x80, 0x81, 0, 0, 0, 0, b'x'],
    ]
    .concat();
    for (bytes, code) in [
        ([head(0x81, 0x82), vec![0xff, 0xfe]].concat(), 1007),
        (fragments, 1007),
        // The reason of a close that is not UTF-8.
        ([head(0x88, 0x83), vec![3, 232, 0xff]].concat(), 1007),
        // An opcode that does not exist, and a frame without a mask.
        (head(0x83, 0x80), 1002),
        (vec![0x81, 0x01, b'x'], 1002),
    ] {
        let mut client = Raw::connect(&world, "u").await;
        client.bytes(&bytes).await;
        assert_eq!(client.closed().await, code, "{bytes:x?}");
    }
}

#[tokio::test]
async fn a_question_in_a_binary_frame_is_answered() {
    let world = World::start(demo()).await;
    let mut client = Raw::connect(&world, "u").await;
    client.frame(BINARY, &[0xff, 0x00]).await;
    let question = json!({"type": "user_message", "session_id": "s", "content": "hi"});
    let question = question.to_string();
    client.frame(BINARY, question.as_bytes()).await;
    let mut kinds = Vec::new();
    loop {
        let (_, frame) = client.next().await.unwrap();
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        if frame["status"] == "complete" {
            break;
        }
        kinds.push(frame["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds[..2], ["connection_status", "error"]);
    assert_eq!(world.history("u", "s").await.len(), 2);
}
