//! Routes that need no caller: health, metrics, pages, and their headers.

use serde_json::Value;
use tests::{World, demo};

#[tokio::test]
async fn health_has_the_shape_of_the_go_service() {
    let world = World::start(demo()).await;
    let get = async |path: &str| reqwest::get(world.url(path)).await.unwrap();
    let health: Value = get("/healthz").await.json().await.unwrap();
    assert_eq!(health["status"], "healthy");
    let ready = get("/readyz").await;
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(
        (&ready["status"], &ready["checks"]["llm"]["providers_count"]),
        (&"ready".into(), &1.into())
    );
}

#[tokio::test]
async fn probes_and_metrics_are_on_the_internal_port_alone() {
    let world = World::start(demo()).await;
    for path in ["/livez", "/readyz", "/metrics"] {
        let internal = reqwest::get(format!("http://{}{path}", world.internal))
            .await
            .unwrap();
        assert_eq!(internal.status(), 200, "{path}");
        let public = reqwest::get(format!("http://{}{path}", world.public))
            .await
            .unwrap();
        assert_eq!(public.status(), 404, "{path}");
    }
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "count me").await;
    client.answer().await;
    let text = reqwest::get(format!("http://{}/metrics", world.internal))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "chatbox_websocket_connections 1",
        "chatbox_messages_received_total 1",
        "chatbox_llm_requests_total{model=\"demo\"} 1",
        "chatbox_llm_first_token_seconds_count 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[tokio::test]
async fn every_response_is_guarded_and_the_prefix_moves_every_route() {
    let mut config = demo();
    "/help/desk".clone_into(&mut config.server.path_prefix);
    let world = World::start(config).await;
    let response = reqwest::get(world.url("/healthz")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.headers()["x-frame-options"], "DENY");
    let old = reqwest::get(format!("http://{}/chatbox/healthz", world.public))
        .await
        .unwrap();
    assert_eq!(old.status(), 404);
    let plain = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let top = format!("http://{}/", world.public);
    for url in [world.url(""), world.url("/"), top] {
        let redirect = plain.get(url).send().await.unwrap();
        assert_eq!(redirect.headers()["location"], "/help/desk/chat.html");
    }
}

#[tokio::test]
async fn the_chat_page_may_load_nothing_but_its_own_files() {
    let world = World::start(demo()).await;
    let page = reqwest::get(world.url("/chat.html")).await.unwrap();
    assert_eq!(page.status(), 200, "the page is not built; run `make page`");
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let tag = page.headers()["etag"].clone();
    let html = page.text().await.unwrap();
    assert!(
        !html.contains("<style") && !html.contains("//cdn"),
        "{html}"
    );
    let asset = html
        .split('"')
        .find(|word| word.starts_with("./assets/"))
        .unwrap();
    let asset = reqwest::get(world.url(asset.trim_start_matches('.')))
        .await
        .unwrap();
    assert_eq!(
        asset.headers()["cache-control"],
        "public, max-age=31536000, immutable"
    );
    let again = reqwest::Client::new()
        .get(world.url("/chat.html"))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 304);
    for path in [
        "/..%2fCargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/none.html",
    ] {
        assert_eq!(
            reqwest::get(world.url(path)).await.unwrap().status(),
            404,
            "{path}"
        );
    }
}
