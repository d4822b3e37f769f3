//! A handler that asks for a [`Caller`] gets one, or is not called.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::auth::{Caller, header_token};
use crate::clock;
use crate::error::ApiError;
use crate::state::AppState;

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let token = header_token(&parts.headers).ok_or(ApiError::Unauthorized)?;
        state
            .keys
            .verify(token, clock::now())
            .map_err(|_| ApiError::InvalidToken)
    }
}
