//! Tokens for visitors without an account.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;

use crate::auth::header_token;
use crate::clock;
use crate::error::ApiError;
use crate::limits::client_address;
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct Guest {
    token: String,
    user_id: String,
    expires_at: Timestamp,
}

/// `POST guest`: a fresh token; for the same visitor if an older one comes with the request.
pub(super) async fn token(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<Guest>, ApiError> {
    let guests = state
        .config
        .auth
        .guests
        .as_ref()
        .ok_or(ApiError::NotFound)?;
    // A proxy may add a line of its own instead of a word to the first one.
    let hops = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<_> = hops.filter_map(|value| value.to_str().ok()).collect();
    let forwarded_for = hops.join(",");
    let address = client_address(peer.ip(), &forwarded_for, &state.proxies);
    state.limits.guest(address).map_err(ApiError::TooMany)?;
    let claims = state
        .keys
        .guest(guests, header_token(&headers), clock::now())
        .map_err(|_| ApiError::InvalidToken)?;
    Ok(Json(Guest {
        token: state.keys.sign(&claims).map_err(ApiError::Internal)?,
        expires_at: Timestamp::from_second(claims.exp)
            .map_err(|error| ApiError::Internal(error.into()))?,
        user_id: claims.user_id,
    }))
}
