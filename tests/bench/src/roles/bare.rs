//! A socket that does nothing: what holding it costs in axum with a read buffer of this size.

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use crate::script::Script;

pub(super) fn router(read_buffer_bytes: usize) -> Router {
    let upgrade = async move |upgrade: WebSocketUpgrade| accept(upgrade, read_buffer_bytes);
    Router::new().route("/ws", get(upgrade))
}

fn accept(upgrade: WebSocketUpgrade, read_buffer_bytes: usize) -> Response {
    let upgrade = upgrade.read_buffer_size(read_buffer_bytes);
    upgrade.on_upgrade(async |mut socket| {
        while let Some(Ok(message)) = socket.recv().await {
            let Message::Text(question) = message else {
                continue;
            };
            if socket.send(Message::text(answer(&question))).await.is_err() {
                return;
            }
        }
    })
}

/// As long as the answer that the server is asked for, in one frame.
fn answer(question: &str) -> String {
    let question: serde_json::Value = serde_json::from_str(question).unwrap_or_default();
    let script = question["content"]
        .as_str()
        .and_then(|text| text.parse().ok());
    let script = script.unwrap_or(Script::at_once(0, 0));
    let bytes = script.bytes * usize::try_from(script.tokens).unwrap_or(0);
    json!({"content": "x".repeat(bytes), "metadata": {"done": "true"}}).to_string()
}
