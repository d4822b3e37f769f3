//! `/livez`, `/readyz` and `/metrics`.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::context::Context;

/// Answers until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    ctx: Arc<Context>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(ctx);
    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown)
        .await
}

/// Ready once every watch has delivered its first list.
async fn readyz(State(ctx): State<Arc<Context>>) -> Response {
    let missing = ctx.watches.missing();
    if missing.is_empty() {
        return "ok".into_response();
    }
    let names: Vec<&str> = missing.into_iter().collect();
    let text = format!("not yet listed: {}", names.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn metrics(State(ctx): State<Arc<Context>>) -> Response {
    match ctx.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
