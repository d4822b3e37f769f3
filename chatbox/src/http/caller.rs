//! A handler that asks for a [`Caller`] gets one, or is not called.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::ApiError;
use super::token;
use crate::auth::Caller;
use crate::clock;
use crate::state::AppState;

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = token::from_authorization(&parts.headers).ok_or(ApiError::Unauthorized)?;
        state
            .keys
            .verify(token, clock::now())
            .map_err(|_| ApiError::InvalidToken)
    }
}
