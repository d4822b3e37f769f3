//! Providers that fail, and what the visitor is told.

mod addresses;
mod anthropic;
mod cancel;
mod dify;
mod endings;
mod fallback;
mod formats;
mod headers;
mod history;
mod refused;
mod silence;
mod thinking;

use serde_json::{Value, json};
use tests::{Client, Process, Provider, World, openai};

async fn ask(world: &World) -> Client {
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "hello?").await;
    client
}

#[tokio::test]
async fn a_provider_that_is_busy_is_asked_again() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    provider.call().await.reject(503);
    provider.call().await.reject(429);
    provider.call().await.reply("at last");
    assert_eq!(client.answer().await.text, "at last");
}

#[tokio::test]
async fn an_error_before_the_first_word_is_as_good_as_a_rejection() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let overloaded = json!({"error": {"message": "no", "type": "overloaded_error"}});
    let counted = provider.call().await.begin();
    counted.event(&json!({"choices": [], "usage": {"prompt_tokens": 7}}));
    counted.event(&overloaded);
    provider.call().await.begin().cut();
    provider.call().await.reply("at last");
    assert_eq!(client.answer().await.text, "at last");
}

#[tokio::test]
async fn a_call_that_cannot_succeed_soon_is_not_repeated() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let quota =
        json!({"message": "no", "type": "insufficient_quota", "code": "insufficient_quota"});
    for (name, status, headers, error) in [
        ("quota", 429, vec![], quota),
        ("long", 503, vec![("retry-after", "11")], Value::Null),
        ("fraction", 503, vec![("retry-after", "10.5")], Value::Null),
        ("ms", 503, vec![("retry-after-ms", "10500")], Value::Null),
        (
            "both",
            429,
            vec![("retry-after", "1"), ("retry-after-ms", "60000")],
            Value::Null,
        ),
        (
            "date",
            429,
            vec![("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")],
            Value::Null,
        ),
    ] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let call = provider.call().await;
        call.respond(status, &headers)
            .send(json!({"error": error}).to_string());
        let error = client.wait_for("error").await;
        assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE", "{name}");
        assert!(provider.is_idle(), "{name}");
    }
}

#[tokio::test]
async fn an_error_that_does_not_end_is_known_by_its_status() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let error = provider.call().await.respond(401, &[]);
    error.send("{");
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "LLM_UNAVAILABLE"
    );
    error.dropped().await;
}

#[tokio::test]
async fn the_log_names_the_class_and_repeats_nothing_that_the_provider_says() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(env!("CARGO_BIN_EXE_server"), &home, &openai(&provider)).await;
    let url = format!("ws://{}/chatbox/ws", process.public);
    let mut client = Client::connect(&url, &guest(&process).await).await.unwrap();
    client.say("s", "c", "hello?").await;
    let words =
        json!({"message": "hello? sk-test-key", "type": "hello", "code": "insufficient_quota"});
    provider.call().await.reject_with(429, &words);
    let line = process.logged("the answer failed").await;
    assert_eq!(line["class"], "quota", "{line}");
    assert_eq!(
        line["cause"],
        "the provider answered 429 (insufficient_quota)"
    );
    process.terminate().await;
    let log = process.rest_of_log().await;
    assert!(
        !line.to_string().contains("hello") && !log.contains("sk-test-key"),
        "{line}\n{log}"
    );
}

async fn guest(process: &Process) -> String {
    let url = format!("http://{}/chatbox/guest", process.public);
    let response = reqwest::Client::new().post(url).send().await.unwrap();
    let body: Value = response.json().await.unwrap();
    body["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_provider_that_rejects_is_not_asked_again() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    provider.call().await.reject(401);
    let answer = client.answer().await;
    assert_eq!(
        (answer.status.as_str(), answer.text.as_str()),
        ("failed", "")
    );
    let error = client.wait_for("error").await;
    assert_eq!(
        (&error["error"]["code"], &error["run"]),
        (&json!("LLM_UNAVAILABLE"), &json!(answer.run))
    );
    assert!(provider.is_idle());
    assert_eq!(
        world.history("u", "s").await.len(),
        2,
        "the failure is a stored message"
    );

    client.say("s", "c2", "again?").await;
    let call = provider.call().await;
    assert_eq!(
        call.messages(),
        [("system", "Be brief."), ("user", "again?")],
        "a question without an answer is not told to the model"
    );
    call.reply("yes");
    assert_eq!(client.answer().await.status, "complete");
}

#[tokio::test]
async fn what_was_said_before_a_break_stays() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let broken = json!({"error": {"message": "overloaded", "type": "server_error"}});
    for (name, error) in [("cut", None), ("error", Some(broken))] {
        let mut client = world.connect("u", "").await;
        client.say(name, "c", "hello?").await;
        let stream = provider.call().await.begin();
        stream.push("half a sen");
        client.wait_for("ai_response").await;
        match &error {
            Some(error) => stream.event(error),
            None => stream.cut(),
        }
        let last = client.until(|frame| frame["type"] == "error").await;
        let end = &last[last.len() - 2];
        assert_eq!(
            (&end["status"], &end["off"], &end["content"]),
            (&json!("failed"), &json!(10), &json!("")),
            "{name}"
        );
        let history = world.history("u", name).await;
        assert_eq!(
            (history[1].1.as_str(), history[1].2.as_deref()),
            ("half a sen", Some("failed"))
        );
        assert!(
            provider.is_idle(),
            "a second answer would contradict the first"
        );
    }
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_given_up() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].idle_seconds = 1;
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    let stream = provider.call().await.begin();
    stream.push("wait");
    assert_eq!(client.answer().await.status, "failed");
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "LLM_TIMEOUT"
    );
    stream.dropped().await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_reported() {
    let mut config = openai(&Provider::start().await);
    let openai = config.models[0].openai.as_mut().unwrap();
    "http://127.0.0.1:1/v1".clone_into(&mut openai.base_url);
    let world = World::start(config).await;
    let mut client = ask(&world).await;
    assert_eq!(client.answer().await.status, "failed");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE");
    assert!(
        !error.to_string().contains("127.0.0.1"),
        "what outsiders are told has no addresses"
    );
}
