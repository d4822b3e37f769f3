//! A model that fails before its first word has others answer in its place.

use serde_json::json;
use tests::{Client, Provider, World, openai};

/// `fast` is `small` at the provider, and `good`, which stands in for it, is `large`.
async fn world(provider: &Provider) -> World {
    let mut config = openai(provider);
    let mut second = config.models[0].clone();
    second.id = "good".to_owned();
    second.openai.as_mut().unwrap().model = "large".to_owned();
    config.models[0].fallback = vec!["good".to_owned()];
    config.models.push(second);
    World::start(config).await
}

async fn metric(world: &World, line: &str) -> bool {
    let url = format!("http://{}/metrics", world.internal);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    text.lines().any(|found| found == line)
}

async fn ask(client: &mut Client, client_id: &str) {
    client.say("s", client_id, "hello").await;
}

#[tokio::test]
async fn another_model_answers_and_nobody_sees_the_failure() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let mut client = world.connect("u", "").await;
    // Each is given up by the first model at once.
    for (index, status) in [401, 404, 402].into_iter().enumerate() {
        ask(&mut client, &index.to_string()).await;
        let call = provider.call().await;
        assert_eq!(call.body["model"], "small");
        call.reject(status);
        let call = provider.call().await;
        assert_eq!(call.body["model"], "large", "{status}");
        assert_eq!(call.messages().last().unwrap().1, "hello");
        call.reply("Hi");
        let frames = client
            .until(|frame| frame["metadata"]["done"] == "true")
            .await;
        assert!(frames.iter().all(|frame| frame["type"] != "error"));
        let last = frames.last().unwrap();
        assert_eq!(
            (&last["model_id"], &last["status"]),
            (&json!("good"), &json!("complete"))
        );
        let loading = frames.iter().filter(|frame| frame["type"] == "loading");
        assert_eq!(loading.count(), 1);
    }
    assert!(metric(&world, "chatbox_llm_fallbacks_total{model=\"fast\"} 3").await);
    // After three in a row it is left alone.
    ask(&mut client, "c").await;
    let call = provider.call().await;
    assert_eq!(call.body["model"], "large");
    // The other one fails too: then the one that was left alone is better than none.
    call.reject(401);
    let call = provider.call().await;
    assert_eq!(call.body["model"], "small");
    call.reply("I am back");
    assert_eq!(client.answer().await.text, "I am back");
    ask(&mut client, "d").await;
    assert_eq!(provider.call().await.body["model"], "small");
}

#[tokio::test]
async fn what_was_said_is_not_said_by_another_model() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let mut client = world.connect("u", "").await;
    ask(&mut client, "c1").await;
    let stream = provider.call().await.begin();
    stream.push("Well, ");
    client.wait_for("ai_response").await;
    stream.cut();
    let frames = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await;
    assert_eq!(frames.last().unwrap()["status"], "failed");
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "LLM_UNAVAILABLE"
    );
    assert!(provider.is_idle());
    assert_eq!(world.history("u", "s").await[1].1, "Well, ");
}

#[tokio::test]
async fn the_visitor_is_told_once_when_nobody_answers() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let mut client = world.connect("u", "").await;
    ask(&mut client, "c1").await;
    for model in ["small", "large"] {
        let call = provider.call().await;
        assert_eq!(call.body["model"], model);
        call.reject(401);
    }
    assert_eq!(client.answer().await.status, "failed");
    let error = client.wait_for("error").await;
    assert_eq!(error["error"]["code"], "LLM_UNAVAILABLE");
    ask(&mut client, "c2").await;
    let frames = client.until(|frame| frame["client_id"] == "c2").await;
    assert_eq!(frames.len(), 1, "one error: {frames:?}");
}

#[tokio::test]
async fn what_a_content_filter_stopped_is_not_taken_to_another_model() {
    let mut provider = Provider::start().await;
    let world = world(&provider).await;
    let mut client = world.connect("u", "").await;
    ask(&mut client, "c1").await;
    let error = json!({"message": "no", "code": "content_filter"});
    provider.call().await.reject_with(400, &error);
    assert_eq!(client.answer().await.status, "content_filter");
    assert!(provider.is_idle());
}
