//! What the server says.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::chat::{Failure, Message, MessageId, RunId, Sender, SessionId, Status};

/// One frame. Only `type`, `sender` and `timestamp` are always there.
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    #[serde(rename = "type")]
    kind: &'static str,
    sender: Sender,
    #[serde(serialize_with = "millis")]
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    models: Option<Vec<ModelName>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    off: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// A model that may be chosen.
#[derive(Clone, Debug, Serialize)]
pub struct ModelName {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug, Serialize)]
struct ErrorBody {
    code: Code,
    message: String,
    recoverable: bool,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// What went wrong, in the predecessor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    InvalidFormat,
    MissingField,
    Unauthorized,
    LlmUnavailable,
    LlmTimeout,
    DatabaseError,
    ServiceError,
    TooManyRequests,
}

/// A frame of a client that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub code: Code,
    pub message: &'static str,
    pub client_id: Option<String>,
    pub retry_after: Option<Duration>,
}

/// A piece of an answer as one client needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub run: RunId,
    pub fence: i64,
    pub model: &'a str,
    pub off: usize,
    pub text: &'a str,
}

impl Code {
    /// The word on the wire, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFormat => "INVALID_FORMAT",
            Self::MissingField => "MISSING_FIELD",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::LlmUnavailable => "LLM_UNAVAILABLE",
            Self::LlmTimeout => "LLM_TIMEOUT",
            Self::DatabaseError => "DATABASE_ERROR",
            Self::ServiceError => "SERVICE_ERROR",
            Self::TooManyRequests => "TOO_MANY_REQUESTS",
        }
    }
}

impl Rejection {
    pub fn new(code: Code, message: &'static str) -> Self {
        Self {
            code,
            message,
            client_id: None,
            retry_after: None,
        }
    }
}

impl Frame {
    fn new(kind: &'static str, sender: Sender, timestamp: Timestamp) -> Self {
        Self {
            kind,
            sender,
            timestamp,
            session_id: None,
            content: None,
            model_id: None,
            models: None,
            metadata: BTreeMap::new(),
            error: None,
            user_id: None,
            id: None,
            seq: None,
            client_id: None,
            run: None,
            fence: None,
            off: None,
            status: None,
        }
    }

    /// The first frame of a connection, and again when it is bound to a session.
    pub fn hello(
        now: Timestamp,
        user: &str,
        session: Option<&SessionId>,
        models: Vec<ModelName>,
    ) -> Self {
        Self {
            session_id: session.cloned(),
            models: Some(models),
            user_id: Some(user.to_owned()),
            metadata: BTreeMap::from([("op", "hello")]),
            ..Self::new("connection_status", Sender::System, now)
        }
    }

    /// "Your message is stored."
    pub fn ack(now: Timestamp, message: &Message) -> Self {
        Self {
            session_id: Some(message.session.clone()),
            id: Some(message.id),
            seq: Some(message.seq),
            client_id: message.client_id.clone(),
            metadata: BTreeMap::from([("op", "ack")]),
            ..Self::new("connection_status", Sender::System, now)
        }
    }

    /// "You have everything up to `seq`", or, not `recovered`, "too much: read the history over HTTP".
    pub fn caught_up(now: Timestamp, session: &SessionId, seq: i64, recovered: bool) -> Self {
        let recovered = if recovered { "true" } else { "false" };
        Self {
            session_id: Some(session.clone()),
            seq: Some(seq),
            metadata: BTreeMap::from([("op", "caught_up"), ("recovered", recovered)]),
            ..Self::new("connection_status", Sender::System, now)
        }
    }

    /// A message that somebody sent from elsewhere.
    pub fn user_message(message: &Message) -> Self {
        Self {
            session_id: Some(message.session.clone()),
            content: Some(message.content.clone()),
            id: Some(message.id),
            seq: Some(message.seq),
            client_id: message.client_id.clone(),
            ..Self::new("user_message", message.sender, message.at)
        }
    }

    /// "An answer is on its way."
    pub fn loading(now: Timestamp, session: &SessionId, run: RunId, fence: i64) -> Self {
        Self {
            session_id: Some(session.clone()),
            run: Some(run),
            fence: Some(fence),
            ..Self::new("loading", Sender::Ai, now)
        }
    }

    /// More of an answer.
    pub fn delta(now: Timestamp, session: &SessionId, piece: &Piece<'_>) -> Self {
        Self {
            metadata: BTreeMap::from([("streaming", "true"), ("done", "false")]),
            ..Self::answer(now, session, piece)
        }
    }

    /// The end of an answer: `piece` is what the client does not have yet.
    pub fn answered(message: &Message, status: Status, piece: &Piece<'_>) -> Self {
        Self {
            id: Some(message.id),
            seq: Some(message.seq),
            status: Some(status),
            metadata: BTreeMap::from([("streaming", "true"), ("done", "true")]),
            ..Self::answer(message.at, &message.session, piece)
        }
    }

    fn answer(timestamp: Timestamp, session: &SessionId, piece: &Piece<'_>) -> Self {
        Self {
            session_id: Some(session.clone()),
            content: Some(piece.text.to_owned()),
            model_id: Some(piece.model.to_owned()),
            run: Some(piece.run),
            fence: Some(piece.fence),
            off: Some(piece.off),
            ..Self::new("ai_response", Sender::Ai, timestamp)
        }
    }

    /// Why a frame of this client was not served.
    pub fn rejected(now: Timestamp, session: Option<&SessionId>, rejection: Rejection) -> Self {
        Self {
            session_id: session.cloned(),
            client_id: rejection.client_id,
            error: Some(ErrorBody {
                code: rejection.code,
                message: rejection.message.to_owned(),
                recoverable: rejection.code != Code::Unauthorized,
                retry_after: rejection
                    .retry_after
                    .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            }),
            ..Self::new("error", Sender::Ai, now)
        }
    }

    /// Why an answer broke off.
    pub fn failed(now: Timestamp, session: &SessionId, run: RunId, failure: Failure) -> Self {
        let rejection = match failure {
            Failure::Unavailable => Rejection::new(
                Code::LlmUnavailable,
                "The assistant is not available right now. Please try again.",
            ),
            Failure::Timeout => Rejection::new(
                Code::LlmTimeout,
                "The assistant took too long to answer. Please try again.",
            ),
        };
        Self {
            run: Some(run),
            ..Self::rejected(now, Some(session), rejection)
        }
    }

    /// The code of an error frame, for metrics.
    pub fn error_code(&self) -> Option<Code> {
        self.error.as_ref().map(|error| error.code)
    }

    pub fn render(&self) -> String {
        // Strings, numbers and maps of strings always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// RFC 3339 with milliseconds: enough to order by, and what JavaScript writes itself.
fn millis<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::Answered;

    fn value(frame: &Frame) -> serde_json::Value {
        serde_json::from_str(&frame.render()).unwrap()
    }

    /// The examples that describe the wire: these shapes are promised to clients.
    #[test]
    fn examples() {
        let now = "2026-01-02T03:04:05.678901Z".parse().unwrap();
        let session = SessionId::parse("s").unwrap();
        let (id, run) = (MessageId::new(), RunId::new());
        let answered = Answered {
            run,
            fence: 3,
            question: 1,
            status: Status::Complete,
            model: "fast".into(),
        };
        let message = Message {
            id,
            session: session.clone(),
            seq: 2,
            client_id: None,
            sender: Sender::Ai,
            content: "Hello".into(),
            at: now,
            answer: Some(answered),
        };
        let asked = Message {
            sender: Sender::User,
            client_id: Some("c".into()),
            answer: None,
            ..message.clone()
        };
        let piece = Piece {
            run,
            fence: 3,
            model: "fast",
            off: 3,
            text: "lo",
        };
        let models = vec![ModelName {
            id: "fast".into(),
            name: "Fast".into(),
        }];
        let busy = Rejection {
            client_id: Some("c".into()),
            retry_after: Some(Duration::from_millis(1500)),
            ..Rejection::new(Code::TooManyRequests, "slow down")
        };
        let at = "2026-01-02T03:04:05.678Z";
        for (frame, expected) in [
            (
                Frame::hello(now, "u", Some(&session), models),
                json!({"type": "connection_status", "sender": "system", "timestamp": at, "session_id": "s", "user_id": "u",
                    "models": [{"id": "fast", "name": "Fast"}], "metadata": {"op": "hello"}}),
            ),
            (
                Frame::ack(now, &asked),
                json!({"type": "connection_status", "sender": "system", "timestamp": at, "session_id": "s",
                    "id": id, "seq": 2, "client_id": "c", "metadata": {"op": "ack"}}),
            ),
            (
                Frame::caught_up(now, &session, 2, true),
                json!({"type": "connection_status", "sender": "system", "timestamp": at, "session_id": "s", "seq": 2,
                    "metadata": {"op": "caught_up", "recovered": "true"}}),
            ),
            (
                Frame::user_message(&asked),
                json!({"type": "user_message", "sender": "user", "timestamp": at, "session_id": "s", "content": "Hello",
                    "id": id, "seq": 2, "client_id": "c"}),
            ),
            (
                Frame::loading(now, &session, run, 3),
                json!({"type": "loading", "sender": "ai", "timestamp": at, "session_id": "s", "run": run, "fence": 3}),
            ),
            (
                Frame::delta(now, &session, &piece),
                json!({"type": "ai_response", "sender": "ai", "timestamp": at, "session_id": "s", "content": "lo",
                    "model_id": "fast", "run": run, "fence": 3, "off": 3, "metadata": {"streaming": "true", "done": "false"}}),
            ),
            (
                Frame::answered(&message, Status::Complete, &piece),
                json!({"type": "ai_response", "sender": "ai", "timestamp": at, "session_id": "s", "content": "lo",
                    "model_id": "fast", "id": id, "seq": 2, "run": run, "fence": 3, "off": 3, "status": "complete",
                    "metadata": {"streaming": "true", "done": "true"}}),
            ),
            (
                Frame::rejected(now, Some(&session), busy),
                json!({"type": "error", "sender": "ai", "timestamp": at, "session_id": "s", "client_id": "c",
                    "error": {"code": "TOO_MANY_REQUESTS", "message": "slow down", "recoverable": true, "retry_after": 1500}}),
            ),
            (
                Frame::failed(now, &session, run, Failure::Timeout),
                json!({"type": "error", "sender": "ai", "timestamp": at, "session_id": "s", "run": run,
                    "error": {"code": "LLM_TIMEOUT", "message": "The assistant took too long to answer. Please try again.",
                        "recoverable": true}}),
            ),
        ] {
            assert_eq!(value(&frame), expected);
        }
    }
}
