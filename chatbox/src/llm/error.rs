//! Why a model gave no answer, or only a part of one.

use std::fmt;

use crate::chat::Failure;

/// What kind of failure it was. The set is closed: what a provider reports becomes one of these by its HTTP status and
/// error code; `http::classify` says for which one words are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The key is wrong, or may not do this.
    Authentication,
    /// The account has nothing left to spend.
    Quota,
    /// Too many requests or tokens for the moment.
    RateLimit,
    /// The provider has too much to do, or failed on its side.
    Overloaded,
    /// The request is longer than the model takes.
    ContextTooLong,
    /// A content filter stopped the question or the answer.
    ContentRefused,
    /// No connection, or it broke.
    Transport,
    /// One side does not understand the other: a request that is not accepted, an answer that is not readable.
    Malformed,
    /// The answer ended without a word.
    Empty,
    /// A time-out of the model's configuration passed.
    Timeout,
}

impl ErrorClass {
    pub const ALL: [Self; 10] = [
        Self::Authentication,
        Self::Quota,
        Self::RateLimit,
        Self::Overloaded,
        Self::ContextTooLong,
        Self::ContentRefused,
        Self::Transport,
        Self::Malformed,
        Self::Empty,
        Self::Timeout,
    ];

    /// Its name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Quota => "quota",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::ContextTooLong => "context_too_long",
            Self::ContentRefused => "content_refused",
            Self::Transport => "transport",
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Timeout => "timeout",
        }
    }

    /// Whether the same request may succeed a moment later. A time-out is not followed by another attempt: whoever asked
    /// has waited for as long as the configuration allows.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::RateLimit | Self::Overloaded | Self::Transport | Self::Empty => true,
            Self::Timeout
            | Self::Authentication
            | Self::Quota
            | Self::ContextTooLong
            | Self::ContentRefused
            | Self::Malformed => false,
        }
    }

    /// Whether it is up to the model or its provider, and not to the question.
    pub fn is_of_model(self) -> bool {
        !matches!(self, Self::ContextTooLong | Self::ContentRefused)
    }

    /// Whether another model may answer the same question. What a content filter stopped is not taken elsewhere.
    pub fn may_another_answer(self) -> bool {
        self != Self::ContentRefused
    }

    /// What the visitor is told.
    pub fn failure(self) -> Failure {
        match self {
            Self::Timeout => Failure::Timeout,
            Self::ContextTooLong => Failure::ContextTooLong,
            Self::ContentRefused => Failure::ContentFiltered,
            Self::Authentication
            | Self::Quota
            | Self::RateLimit
            | Self::Overloaded
            | Self::Transport
            | Self::Malformed
            | Self::Empty => Failure::Unavailable,
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why there is no more.
#[derive(Debug, thiserror::Error)]
#[error("{class}: {cause:#}")]
pub struct Error {
    pub class: ErrorClass,
    /// For the log. It holds nothing that a provider wrote: providers repeat questions and keys.
    pub cause: anyhow::Error,
}

impl Error {
    pub(super) fn new(class: ErrorClass, cause: impl Into<anyhow::Error>) -> Self {
        Self {
            class,
            cause: cause.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_class_has_a_name_of_its_own() {
        let names: BTreeSet<_> = ErrorClass::ALL.map(ErrorClass::as_str).into();
        assert_eq!(names.len(), ErrorClass::ALL.len());
    }

    #[test]
    fn what_may_pass_and_what_the_visitor_is_told() {
        let retryable: Vec<_> = ErrorClass::ALL
            .into_iter()
            .filter(|class| class.is_retryable())
            .map(ErrorClass::as_str)
            .collect();
        assert_eq!(
            retryable,
            ["rate_limit", "overloaded", "transport", "empty"]
        );
        for class in ErrorClass::ALL {
            let told = match class {
                ErrorClass::Timeout => Failure::Timeout,
                ErrorClass::ContextTooLong => Failure::ContextTooLong,
                ErrorClass::ContentRefused => Failure::ContentFiltered,
                _ => Failure::Unavailable,
            };
            assert_eq!(class.failure(), told, "{class}");
        }
    }
}
