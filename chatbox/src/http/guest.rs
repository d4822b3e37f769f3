//! Tokens for visitors without an account.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Serialize;

use super::client_address::client_address;
use super::error::ApiError;
use super::token;
use crate::clock;
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct Guest {
    token: String,
    user_id: String,
    expires_at: Timestamp,
}

/// `POST guest`: a fresh token; for the same visitor if an older one comes with the request.
pub(super) async fn issue(
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
    let token = token::from_authorization(&headers);
    let address = client_address(peer, &headers, &state.proxies);
    let claims = state
        .keys
        .guest(guests, token, clock::now())
        .map_err(|_| ApiError::InvalidToken)?;
    // A visitor who is known already is no new one of the address, and has a limit alone.
    let admitted = match token {
        Some(_) => state.limits.read(&claims.user_id),
        None => state.limits.guest(address),
    };
    admitted.map_err(ApiError::TooMany)?;
    Ok(Json(Guest {
        token: state.keys.sign(&claims).map_err(ApiError::Internal)?,
        expires_at: Timestamp::from_second(claims.exp)
            .map_err(|error| ApiError::Internal(error.into()))?,
        user_id: claims.user_id,
    }))
}
