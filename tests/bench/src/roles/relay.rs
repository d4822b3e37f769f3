//! The naive relay: what a first version of a chat server is, without a store, sessions, offsets or limits.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt;
use serde_json::{Value, json};

#[derive(Clone)]
struct Provider {
    http: reqwest::Client,
    url: String,
}

pub(super) fn router(url: String) -> Router {
    let http = reqwest::Client::new();
    Router::new()
        .route("/ws", get(upgrade))
        .with_state(Provider { http, url })
}

async fn upgrade(State(provider): State<Provider>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(message)) = socket.recv().await {
            let Message::Text(question) = message else {
                continue;
            };
            if relay(&mut socket, &provider, &question).await.is_none() {
                return;
            }
        }
    })
}

/// One question and its answer, token by token. Nothing when either side is gone.
async fn relay(socket: &mut WebSocket, provider: &Provider, question: &str) -> Option<()> {
    let question: Value = serde_json::from_str(question).ok()?;
    let body = json!({
        "model": "bench", "stream": true,
        "messages": [{"role": "user", "content": question["content"]}],
    });
    let call = provider.http.post(&provider.url).json(&body);
    let mut bytes = call.send().await.ok()?.bytes_stream();
    let mut buffer = Vec::new();
    while let Some(Ok(chunk)) = bytes.next().await {
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = buffer.drain(..end + 2).collect();
            let data = event.strip_prefix(b"data: ")?;
            let event: Value = serde_json::from_slice(data).unwrap_or_default();
            if let Some(token) = event["choices"][0]["delta"]["content"].as_str() {
                send(socket, token, "false").await?;
            }
        }
    }
    send(socket, "", "true").await
}

async fn send(socket: &mut WebSocket, token: &str, done: &str) -> Option<()> {
    let frame = json!({"type": "ai_response", "content": token, "metadata": {"done": done}});
    let message = Message::text(frame.to_string());
    socket.send(message).await.ok()
}
