//! Error codes, and why a frame of a client is not served.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// What went wrong. `docs/wire.md` says what a client does about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "ErrorCode")]
pub enum Code {
    /// The frame, or a field of it, is not valid.
    InvalidFormat,
    /// A field that must be there is not.
    MissingField,
    /// The session belongs to another user.
    Unauthorized,
    /// The model did not answer, or broke off.
    LlmUnavailable,
    /// The model took too long.
    LlmTimeout,
    /// The question alone is longer than the model takes.
    LlmContextTooLong,
    /// A content filter stopped the question or the answer.
    LlmContentFiltered,
    /// The store could not be read or written.
    DatabaseError,
    /// Too many questions of the session wait for an answer.
    ServiceError,
    /// The user sends too many messages, or asks too often what was missed.
    TooManyRequests,
    /// The user has as many connections as one may.
    ConnectionLimitExceeded,
    /// The token of the connection has ended.
    ExpiredToken,
}

/// Why a frame of a client is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub code: Code,
    pub message: &'static str,
    /// Of the frame, if it was readable.
    pub client_id: Option<String>,
    /// The same frame may be served after so long.
    pub retry_after: Option<Duration>,
    /// The same frame may be served later. Mostly the code decides it.
    pub is_recoverable: bool,
}

impl Code {
    /// The code as it stands in a frame, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFormat => "INVALID_FORMAT",
            Self::MissingField => "MISSING_FIELD",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::LlmUnavailable => "LLM_UNAVAILABLE",
            Self::LlmTimeout => "LLM_TIMEOUT",
            Self::LlmContextTooLong => "LLM_CONTEXT_TOO_LONG",
            Self::LlmContentFiltered => "LLM_CONTENT_FILTERED",
            Self::DatabaseError => "DATABASE_ERROR",
            Self::ServiceError => "SERVICE_ERROR",
            Self::TooManyRequests => "TOO_MANY_REQUESTS",
            Self::ConnectionLimitExceeded => "CONNECTION_LIMIT_EXCEEDED",
            Self::ExpiredToken => "EXPIRED_TOKEN",
        }
    }

    /// Whether the same request may be served later.
    pub fn is_recoverable(self) -> bool {
        !matches!(
            self,
            Self::InvalidFormat
                | Self::MissingField
                | Self::Unauthorized
                | Self::ConnectionLimitExceeded
                | Self::ExpiredToken
                | Self::LlmContextTooLong
                | Self::LlmContentFiltered
        )
    }
}

impl Rejection {
    pub fn new(code: Code, message: &'static str) -> Self {
        Self {
            code,
            message,
            client_id: None,
            retry_after: None,
            is_recoverable: code.is_recoverable(),
        }
    }
}
