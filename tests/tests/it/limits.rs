//! What happens at each limit.

use serde_json::{Value, json};
use tests::{Client, World, demo};
use tokio_tungstenite::tungstenite::Error;

#[tokio::test]
async fn a_user_has_so_many_connections() {
    let mut config = demo();
    config.limits.connections_per_user = 2;
    let world = World::start(config).await;
    let mut first = world.connect("u", "").await;
    let _second = world.connect("u", "").await;
    let Err(Error::Http(refused)) = Client::connect(&world.ws(""), &world.token("u")).await else {
        panic!("a third connection was taken");
    };
    assert_eq!(refused.status(), 429);
    assert!(
        refused.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u32>()
            .unwrap()
            >= 1
    );
    world.connect("other", "").await;
    first.say("s", "c", "still served").await;
    assert_eq!(first.answer().await.status, "complete");
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

#[tokio::test]
async fn who_resumes_too_often_is_told_when_to_go_on() {
    let world = World::start(demo()).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello").await;
    client.answer().await;
    let resume =
        json!({"type": "connection_status", "session_id": "s", "metadata": {"op": "resume"}});
    let mut served = 0;
    let error = loop {
        client.send(resume.clone()).await;
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

    let (status, _) = world.get("u", "/sessions/s").await;
    assert_eq!(status, 429, "a history is a read too");
    let mut second = world.connect("u", "session_id=s&after_seq=0").await;
    let error = second.wait_for("error").await;
    assert_eq!(error["error"]["code"], "TOO_MANY_REQUESTS");
    assert_eq!(second.closed().await, 1013);

    client.say("s", "c2", "still served").await;
    assert_eq!(client.answer().await.status, "complete");
    let (status, _) = world.get("other", "/sessions").await;
    assert_eq!(status, 200);
}
