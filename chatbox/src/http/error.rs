//! Error responses, in fixed words. The cause goes to the log, once.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::store::StoreError;

/// When to try again while the store is away, in seconds.
const AWAY_SECONDS: &str = "5";

/// A request that is not served.
#[derive(Debug)]
pub enum ApiError {
    /// No token.
    Unauthorized,
    /// A token that is expired, forged or of another kind.
    InvalidToken,
    /// The page that asks comes from a web origin that is not allowed.
    ForeignOrigin,
    /// Something for members of staff.
    NotStaff,
    /// It does not exist, or not for this caller.
    NotFound,
    BadRequest(&'static str),
    /// Too many of them; try again after so long.
    TooMany(Duration),
    /// The store is away for a while.
    StoreAway(StoreError),
    /// The server stops.
    Stopping,
    Internal(anyhow::Error),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_retryable() {
            return Self::StoreAway(error);
        }
        Self::Internal(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, words) = match self {
            Self::TooMany(wait) => return too_many(wait),
            Self::StoreAway(error) => return store_away(&error),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "a token is needed",
            ),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                "INVALID_TOKEN",
                "the token is not valid",
            ),
            Self::ForeignOrigin => (
                StatusCode::FORBIDDEN,
                "FORBIDDEN",
                "this web origin is not allowed",
            ),
            Self::NotStaff => (StatusCode::FORBIDDEN, "FORBIDDEN", "only staff may do this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", "not found"),
            Self::BadRequest(words) => (StatusCode::BAD_REQUEST, "BAD_REQUEST", words),
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "SERVICE_UNAVAILABLE",
                "the server is stopping",
            ),
            Self::Internal(cause) => {
                tracing::error!(cause = format!("{cause:#}"), "a request failed");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "INTERNAL_ERROR",
                    "something went wrong",
                )
            }
        };
        (status, Json(json!({"error": words, "code": code}))).into_response()
    }
}

fn store_away(error: &StoreError) -> Response {
    let cause = format!("{:#}", error.cause());
    tracing::warn!(cause, "a request found the store away");
    let body =
        json!({"error": "the store is away for a moment, try again", "code": "DATABASE_ERROR"});
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(RETRY_AFTER, AWAY_SECONDS)],
        Json(body),
    )
        .into_response()
}

/// The shape that clients of the Go service know; see `docs/wire.md`.
fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    let body =
        json!({"error": "rate_limit_exceeded", "message": "too many requests, try again later"});
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(RETRY_AFTER, format!("{seconds:.0}"))],
        Json(body),
    )
        .into_response()
}
