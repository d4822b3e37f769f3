//! Where a model is asked.

use serde_json::json;
use tests::{Client, Process, Provider, World, openai};

use super::{ask, guest};

#[tokio::test]
async fn each_base_url_that_is_taken_works() {
    let mut provider = Provider::start().await;
    let completions = "/v1/chat/completions";
    for (behind, expected, has_api_key) in [
        ("", completions, false),
        ("/", completions, false),
        ("/chat/completions", completions, false),
        (
            "?api-version=2024-06-01",
            "/v1/chat/completions?api-version=2024-06-01",
            true,
        ),
        (
            "/chat/completions?api-version=2024-06-01",
            "/v1/chat/completions?api-version=2024-06-01",
            true,
        ),
    ] {
        let mut config = openai(&provider);
        let openai = config.models[0].openai.as_mut().unwrap();
        openai.base_url.push_str(behind);
        let world = World::start(config).await;
        let mut client = ask(&world).await;
        let call = provider.call().await;
        assert_eq!(call.uri.to_string(), expected, "{behind}");
        assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test-key"));
        assert_eq!(
            call.headers.contains_key("api-key"),
            has_api_key,
            "{behind}"
        );
        call.reply("Hi");
        assert_eq!(client.answer().await.text, "Hi");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_but_named_in_the_log() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(env!("CARGO_BIN_EXE_server"), &home, &openai(&provider)).await;
    let url = format!("ws://{}/chatbox/ws", process.public);
    let mut client = Client::connect(&url, &guest(&process).await).await.unwrap();
    client.say("s", "c", "hello?").await;
    let call = provider.call().await;
    call.respond(
        308,
        &[(
            "location",
            "https://me:pass@moved.example:8443/secret?key=secret",
        )],
    );
    let line = process.logged("the answer failed").await;
    let cause = line["cause"].as_str().unwrap();
    assert!(
        cause.contains("308") && cause.contains("https://moved.example:8443;"),
        "{line}"
    );
    assert!(
        !cause.contains("secret") && !cause.contains("pass"),
        "{line}"
    );
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        json!("LLM_UNAVAILABLE")
    );
    assert!(provider.is_idle());
}

#[tokio::test]
async fn a_redirect_of_the_same_server_is_named_with_its_path() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(env!("CARGO_BIN_EXE_server"), &home, &openai(&provider)).await;
    let url = format!("ws://{}/chatbox/ws", process.public);
    let mut client = Client::connect(&url, &guest(&process).await).await.unwrap();
    client.say("s", "c", "hello?").await;
    let location = ("location", "/openai/v1/chat/completions?key=secret");
    provider.call().await.respond(307, &[location]);
    let line = process.logged("the answer failed").await;
    let cause = line["cause"].as_str().unwrap();
    assert!(
        cause.contains("/openai/v1/chat/completions;") && !cause.contains("secret"),
        "{line}"
    );
    assert!(provider.is_idle());
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_path_is_put_right() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = ask(&world).await;
    let location = ("location", "/v1/chat/completions/");
    provider.call().await.respond(307, &[location]);
    let call = provider.call().await;
    assert_eq!(call.uri.path(), "/v1/chat/completions/");
    assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test-key"));
    assert_eq!(call.messages()[1], ("user", "hello?"));
    // Nobody follows for ever.
    call.respond(307, &[("location", "/v1/chat/completions")]);
    assert_eq!(client.answer().await.status, "failed");
    assert!(provider.is_idle());
}
