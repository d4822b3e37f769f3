//! Who gets in, and to what.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tests::{Client, World, demo, guests};
use tokio_tungstenite::tungstenite::Error;

async fn post_guest(world: &World, token: Option<&str>) -> (u16, Value) {
    let mut request = reqwest::Client::new().post(world.url("/guest"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn refused(result: Result<Client, Error>) -> u16 {
    match result {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    }
}

#[tokio::test]
async fn three_ways_to_carry_a_token() {
    let world = World::start(demo()).await;
    let token = world.token("u");
    let protocol = |value: String| BTreeMap::from([("sec-websocket-protocol", value)]);
    for (url, headers) in [
        (
            world.ws(""),
            BTreeMap::from([("authorization", format!("Bearer {token}"))]),
        ),
        (
            world.ws(""),
            protocol(format!("chatbox.v1, bearer.{token}")),
        ),
        (world.ws(""), protocol(format!("bearer.{token}"))),
        (world.ws(&format!("token={token}")), BTreeMap::new()),
    ] {
        let mut client = Client::connect_with(&url, &headers).await.unwrap();
        assert_eq!(client.next().await["user_id"], "u");
    }
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let world = World::start(demo()).await;
    let ended = world.token_until("u", Timestamp::now().as_second() - 1);
    assert_eq!(
        refused(Client::connect_with(&world.ws(""), &BTreeMap::new()).await),
        401
    );
    assert_eq!(
        refused(Client::connect(&world.ws(""), "nonsense").await),
        401
    );
    assert_eq!(refused(Client::connect(&world.ws(""), &ended).await), 401);
    let plain = reqwest::Client::new();
    for (path, token, code) in [
        ("/sessions", None, "UNAUTHORIZED"),
        ("/sessions/s", Some("x"), "INVALID_TOKEN"),
        ("/sessions", Some(ended.as_str()), "INVALID_TOKEN"),
    ] {
        let request = plain.get(world.url(path));
        let request = if let Some(token) = token {
            request.bearer_auth(token)
        } else {
            request
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], code);
    }
}

#[tokio::test]
async fn a_page_of_a_foreign_site_gets_no_socket() {
    let mut config = demo();
    config.server.allowed_origins = vec!["https://www.example.com".to_owned()];
    let world = World::start(config).await;
    let own = format!("http://{}", world.public);
    for (origin, status) in [
        (own.as_str(), 101),
        ("https://www.example.com", 101),
        ("https://evil.test", 403),
    ] {
        let headers = BTreeMap::from([
            ("authorization", format!("Bearer {}", world.token("u"))),
            ("origin", origin.to_owned()),
        ]);
        assert_eq!(
            refused(Client::connect_with(&world.ws(""), &headers).await),
            status,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_session_is_its_users_alone() {
    let world = World::start(demo()).await;
    let mut owner = world.connect("owner", "").await;
    owner.say("s", "c", "secret").await;
    owner.answer().await;

    assert_eq!(world.get("thief", "/sessions/s").await.0, 404);
    assert_eq!(world.get("thief", "/sessions").await.1["count"], 0);
    let mut thief = world.connect("thief", "session_id=s&after_seq=0").await;
    thief.next().await;
    assert_eq!(thief.next().await["error"]["code"], "UNAUTHORIZED");
    thief.say("s", "c", "mine now").await;
    assert_eq!(thief.next().await["error"]["code"], "UNAUTHORIZED");
    thief.resume("s").await;
    assert_eq!(thief.next().await["error"]["code"], "UNAUTHORIZED");

    owner.say("s", "c2", "still mine").await;
    owner.answer().await;
    thief.say("other", "c", "my own").await;
    let first = thief.next().await;
    assert_eq!(
        first["session_id"], "other",
        "nothing of the owner's was told to the thief: {first}"
    );
    assert_eq!(world.history("owner", "s").await.len(), 4);
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let world = World::start(demo()).await;
    let token = world.token_until("u", Timestamp::now().as_second() + 5);
    let mut client = Client::connect(&world.ws(""), &token).await.unwrap();
    let error = client.wait_for("error").await;
    assert_eq!(
        (&error["error"]["code"], &error["error"]["recoverable"]),
        (&json!("EXPIRED_TOKEN"), &json!(false))
    );
    assert_eq!(client.closed().await, 4014);
}

#[tokio::test]
async fn a_visitor_gets_a_token_and_comes_back_with_it() {
    let world = World::start(demo()).await;
    let (status, first) = post_guest(&world, None).await;
    assert_eq!(status, 200);
    let token = first["token"].as_str().unwrap();
    let mut client = Client::connect(&world.ws(""), token).await.unwrap();
    assert_eq!(client.next().await["user_id"], first["user_id"]);
    let (_, again) = post_guest(&world, Some(token)).await;
    assert_eq!(again["user_id"], first["user_id"]);
    assert_ne!(
        post_guest(&world, None).await.1["user_id"],
        first["user_id"]
    );
    assert_eq!(post_guest(&world, Some("forged")).await.0, 401);
    assert_eq!(
        post_guest(&world, Some(&world.token("u"))).await.0,
        401,
        "only a visitor's token makes a visitor"
    );
    let ends: Timestamp = first["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(
        (ends.as_second() - Timestamp::now().as_second() - i64::from(guests().token_seconds)).abs()
            <= 5
    );
}

#[tokio::test]
async fn without_guests_there_is_no_door_for_them() {
    let mut config = demo();
    config.auth.guests = None;
    let world = World::start(config).await;
    assert_eq!(post_guest(&world, None).await.0, 404);
}

#[tokio::test]
async fn a_visitor_who_comes_back_is_no_new_one() {
    let mut config = demo();
    config.limits.guests_per_minute = 1;
    let world = World::start(config).await;
    let (status, first) = post_guest(&world, None).await;
    assert_eq!(status, 200);
    assert_eq!(post_guest(&world, None).await.0, 429);
    let token = first["token"].as_str().unwrap();
    for _ in 0..3 {
        let (status, again) = post_guest(&world, Some(token)).await;
        assert_eq!((status, &again["user_id"]), (200, &first["user_id"]));
    }
}
