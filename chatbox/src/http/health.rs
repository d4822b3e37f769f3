//! Health routes and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::ApiError;
use crate::clock;
use crate::state::AppState;

/// Public, for clients of old: the process answers.
pub(super) async fn healthz() -> Response {
    Json(json!({"status": "healthy", "timestamp": clock::now()})).into_response()
}

/// Public, for clients of old: the store can be read and a model is configured.
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    let storage = match state.store.ping().await {
        Ok(()) => json!({"status": "ready"}),
        Err(error) => {
            tracing::warn!(
                cause = format!("{:#}", error.cause()),
                "the store cannot be read"
            );
            json!({"status": "not ready", "reason": "the store cannot be read"})
        }
    };
    let ready = storage["status"] == "ready" && !state.lifecycle.is_stopping();
    let (code, status) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let llm = json!({"status": "ready", "providers_count": state.models.iter().count()});
    let body = json!({"status": status, "timestamp": clock::now(), "checks": {"storage": storage, "llm": llm}});
    (code, Json(body)).into_response()
}

/// For the kubelet: the process works. False while it ends because something that it cannot do without has ended.
pub(super) async fn live(State(state): State<AppState>) -> Response {
    if state.lifecycle.is_healthy() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "broken\n").into_response()
    }
}

/// For the kubelet: the process takes connections. A store that is away for a moment does not change that, or one
/// outage would take every pod out of service at once.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    if state.lifecycle.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response()
    } else {
        "ok\n".into_response()
    }
}

/// Prometheus text.
pub(super) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let text = state.metrics.render().map_err(ApiError::Internal)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
