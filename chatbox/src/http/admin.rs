//! What members of staff do over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;

use super::error::ApiError;
use crate::auth::Caller;
use crate::chat::{Rejection, SessionId};
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct TakenOver {
    message: &'static str,
    session_id: SessionId,
    admin_id: String,
}

/// `POST admin/takeover/{id}`: gives the session to the caller. Doing it twice is no error.
pub(super) async fn take_over(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TakenOver>, ApiError> {
    if !caller.as_participant().is_staff() {
        return Err(ApiError::NotStaff);
    }
    state.limits.read(&caller.user).map_err(ApiError::TooMany)?;
    let session = SessionId::parse(&id).ok_or(ApiError::BadRequest("not a session id"))?;
    if state.store.session(&session).await?.is_none() {
        return Err(ApiError::NotFound);
    }
    match state.turns.assign(&session, &caller.to_author()).await? {
        Ok(_) => Ok(Json(TakenOver {
            message: "Session taken over",
            session_id: session,
            admin_id: caller.user,
        })),
        Err(Rejection::AssignedToAnother) => Err(ApiError::BadRequest(
            "the session is assisted by another admin",
        )),
        Err(Rejection::NotPermitted) => Err(ApiError::BadRequest(
            "staff cannot take their own conversation over",
        )),
        Err(_) => Err(ApiError::BadRequest(
            "the session is busy, try again in a moment",
        )),
    }
}
