//! An attempt that came to nothing, with what the next one can learn from it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::llm::{Error, ErrorClass};

/// An attempt that came to nothing.
pub(in crate::llm) struct FailedAttempt {
    pub(in crate::llm) error: Error,
    /// How long the provider wants to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// Whether the provider says itself that another attempt can help.
    pub(super) should_retry: Option<bool>,
    /// The status of the error, be it the response's or one inside of it.
    pub(in crate::llm) status: Option<StatusCode>,
    /// The error as the provider told it. It may repeat questions and keys, and is not logged.
    pub(in crate::llm) body: Value,
}

impl FailedAttempt {
    pub(super) fn new(class: ErrorClass, cause: impl Into<anyhow::Error>) -> Self {
        Error::new(class, cause).into()
    }
}

impl From<Error> for FailedAttempt {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
            should_retry: None,
            status: None,
            body: Value::Null,
        }
    }
}
