//! What members of staff do over HTTP.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Serialize;

use super::error::ApiError;
use crate::auth::Caller;
use crate::chat::{Rejection, SessionId};
use crate::state::AppState;

/// Sessions that are listed; those that have waited longest.
const LIST_MAX: usize = 100;

#[derive(Serialize)]
pub(super) struct HelpRequests {
    sessions: Vec<Waiting>,
    count: usize,
}

/// A session whose user waits for a member of staff.
#[derive(Serialize)]
struct Waiting {
    id: SessionId,
    user_id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "waiting_since")]
    since: Option<Timestamp>,
}

#[derive(Serialize)]
pub(super) struct TakenOver {
    message: &'static str,
    session_id: SessionId,
    admin_id: String,
}

/// `GET admin/help-requests`: the sessions whose users wait for a member of staff, the one that has waited longest first.
pub(super) async fn help_requests(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<HelpRequests>, ApiError> {
    if !caller.as_participant().is_staff() {
        return Err(ApiError::NotStaff);
    }
    state.limits.read(&caller.user).map_err(ApiError::TooMany)?;
    let waiting = state.store.waiting_for_help(LIST_MAX).await?;
    let waiting = waiting.into_iter().map(|session| Waiting {
        id: session.id,
        user_id: session.user,
        name: session.name,
        since: session.help_since,
    });
    let sessions: Vec<_> = waiting.collect();
    Ok(Json(HelpRequests {
        count: sessions.len(),
        sessions,
    }))
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
