//! The sessions of the caller.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client_address::client_address;
use super::error::ApiError;
use crate::auth::Caller;
use crate::chat::{
    Action, Kind, Message, MessageId, RunId, Sender, Session, SessionId, Status, current,
};
use crate::clock;
use crate::limits::HistoryPermit;
use crate::state::AppState;
use crate::store::Page;

/// Sessions in a list; the newest are given.
const LIST_MAX: usize = 100;
/// A history at once: the newest messages that fit; `before_seq` gets the ones before.
const HISTORY_MAX: Page = Page {
    messages: 1000,
    bytes: 1024 * 1024,
};

#[derive(Serialize)]
pub(super) struct List {
    sessions: Vec<Summary>,
    user_id: String,
    count: usize,
    limit: usize,
    truncated: bool,
}

/// A session, in the shape that clients of old read. Sessions of this release never end.
#[derive(Serialize)]
struct Summary {
    id: SessionId,
    user_id: String,
    name: String,
    last_activity: Timestamp,
    message_count: i64,
    admin_assisted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assisting_admin_name: Option<String>,
    start_time: Timestamp,
    is_active: bool,
    /// Seconds.
    duration: i64,
    total_tokens: i64,
    /// Milliseconds.
    max_response_time: i64,
    avg_response_time: i64,
}

#[derive(Deserialize)]
pub(super) struct Selection {
    /// Only messages with a smaller `seq`.
    before_seq: Option<i64>,
    limit: Option<usize>,
    /// Answers without a word stay empty, and messages that others stand for are given. Clients of old would show them:
    /// they get words instead of the former, and none of the latter.
    #[serde(default)]
    with_empty: bool,
}

#[derive(Serialize)]
pub(super) struct History {
    session_id: SessionId,
    name: String,
    model_id: String,
    messages: Vec<Entry>,
    /// `seq` of the newest message of the session.
    seq: i64,
    /// There are older messages than the first one here.
    has_more: bool,
}

#[derive(Serialize)]
struct Entry {
    id: MessageId,
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    sender: Sender,
    content: String,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    /// Of an answer: `seq` of the question. Of several the newest stands for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    question: Option<i64>,
    /// Of a question: `seq` of an earlier one that it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<i64>,
    /// What it is, if no words of somebody: `admin_join`, `admin_leave`, `help_request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'static str, String>,
}

/// `GET sessions`: the caller's, the one with the newest message first.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<List>, ApiError> {
    state.limits.read(&caller.user).map_err(ApiError::TooMany)?;
    let mut sessions = state.store.sessions(&caller.user, LIST_MAX + 1).await?;
    let truncated = sessions.len() > LIST_MAX;
    sessions.truncate(LIST_MAX);
    if let Some(newest) = sessions.first() {
        // A client of old follows it next, without reading its history.
        state
            .old_clients
            .has_read(&caller.user, &newest.id, newest.seq);
    }
    let now = clock::now();
    Ok(Json(List {
        count: sessions.len(),
        sessions: sessions
            .into_iter()
            .map(|session| summary(session, now))
            .collect(),
        user_id: caller.user,
        limit: LIST_MAX,
        truncated,
    }))
}

/// `GET sessions/{id}`: the newest messages, oldest first. Somebody else's session does not exist.
pub(super) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(before): Query<Selection>,
) -> Result<Response, ApiError> {
    let address = client_address(peer, &headers, &state.proxies);
    let permit = state
        .limits
        .history(&caller.user, address)
        .await
        .map_err(ApiError::TooMany)?;
    let id = SessionId::parse(&id).ok_or(ApiError::NotFound)?;
    let session = state
        .store
        .session(&id)
        .await?
        .filter(|session| caller.as_participant().may(Action::Read, session.parties()))
        .ok_or(ApiError::NotFound)?;
    let page = Page {
        messages: before.limit.map_or(HISTORY_MAX.messages, |limit| {
            limit.clamp(1, HISTORY_MAX.messages)
        }),
        ..HISTORY_MAX
    };
    let messages = state
        .store
        .messages_before(&id, before.before_seq.unwrap_or(i64::MAX), page)
        .await?;
    if !before.with_empty {
        state.old_clients.has_read(&caller.user, &id, session.seq);
    }
    let history = History {
        session_id: session.id,
        name: session.name,
        model_id: state
            .models
            .ids()
            .answering(session.model.as_deref())
            .to_owned(),
        has_more: messages.first().is_some_and(|oldest| oldest.seq > 1),
        messages: if before.with_empty {
            messages.into_iter().map(entry).collect()
        } else {
            let shown = current(&messages).filter(|message| message.kind == Kind::Text);
            let shown = shown.cloned();
            shown.map(with_words).map(entry).collect()
        },
        seq: session.seq,
    };
    let json = serde_json::to_vec(&history).map_err(|error| ApiError::Internal(error.into()))?;
    Ok(held_until_sent(json, permit))
}

/// JSON whose permission is given back when the client has taken it, and not when it was made.
fn held_until_sent(json: Vec<u8>, permit: HistoryPermit) -> Response {
    let length = json.len();
    let bytes = stream::iter([Ok::<_, Infallible>(Bytes::from(json))]);
    let end = stream::once(async move { drop(permit) }).filter_map(|()| ready(None));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    (headers, Body::from_stream(bytes.chain(end))).into_response()
}

fn summary(session: Session, now: Timestamp) -> Summary {
    Summary {
        id: session.id,
        user_id: session.user,
        name: session.name,
        last_activity: session.active,
        message_count: session.seq,
        admin_assisted: session.is_assisted,
        assisting_admin_name: session.assignee.map(|agent| agent.name),
        start_time: session.created,
        is_active: true,
        duration: now.duration_since(session.created).as_secs(),
        total_tokens: session.tokens,
        max_response_time: session.answer_ms_max,
        avg_response_time: session
            .answer_ms_sum
            .checked_div(session.answers)
            .unwrap_or(0),
    }
}

/// Says in words what the status of an answer without any says to newer clients.
fn with_words(message: Message) -> Message {
    let status = message.answer.as_ref().map(|answer| answer.status);
    let words = match status {
        Some(status) if message.content.is_empty() => words(status),
        _ => return message,
    };
    Message {
        content: words.to_owned(),
        ..message
    }
}

fn words(status: Status) -> &'static str {
    match status {
        Status::Interrupted => "This answer was interrupted.",
        Status::Refusal => "The assistant declined to answer this.",
        Status::ContentFilter => "A content filter stopped this answer.",
        Status::Length => "This answer became too long.",
        Status::Cancelled => "This answer was stopped.",
        Status::Superseded => "A member of our staff answered instead.",
        Status::Complete | Status::Failed => "The assistant could not answer. Please try again.",
    }
}

fn entry(message: Message) -> Entry {
    let content = message.text().to_owned();
    let mut metadata = BTreeMap::new();
    if let Some(answer) = &message.answer {
        metadata.insert("model_id", answer.model.clone());
    }
    if let Some(agent) = &message.agent {
        metadata.insert("admin_id", agent.id.clone());
        metadata.insert("admin_name", agent.name.clone());
    }
    Entry {
        id: message.id,
        seq: message.seq,
        client_id: message.client_id,
        sender: message.sender,
        content,
        timestamp: message.at,
        status: message.answer.as_ref().map(|answer| answer.status),
        run: message.answer.as_ref().map(|answer| answer.run),
        question: message.answer.as_ref().map(|answer| answer.question),
        replaces: message.replaces,
        kind: (message.kind != Kind::Text).then(|| message.kind.as_str()),
        metadata,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Answered;

    #[test]
    fn an_answer_without_a_word_says_its_status_in_words() {
        let message = |status: Status, content: &str| Message {
            id: MessageId::new(),
            session: SessionId::random(),
            seq: 2,
            client_id: None,
            sender: Sender::Ai,
            content: content.to_owned(),
            at: clock::now(),
            replaces: None,
            kind: Kind::Text,
            agent: None,
            answer: Some(Answered {
                run: RunId::new(),
                fence: 1,
                question: 1,
                status,
                model: "m".to_owned(),
            }),
        };
        let failed = "The assistant could not answer. Please try again.";
        for (status, words) in [
            (Status::Complete, failed),
            (Status::Failed, failed),
            (Status::Interrupted, "This answer was interrupted."),
            (Status::Refusal, "The assistant declined to answer this."),
            (
                Status::ContentFilter,
                "A content filter stopped this answer.",
            ),
            (Status::Length, "This answer became too long."),
            (Status::Cancelled, "This answer was stopped."),
        ] {
            assert_eq!(with_words(message(status, "")).content, words);
            assert_eq!(with_words(message(status, "Hi")).content, "Hi");
        }
        let question = Message {
            answer: None,
            ..message(Status::Complete, "")
        };
        assert_eq!(with_words(question).content, "");
    }
}
