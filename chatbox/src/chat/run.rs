//! A run: one attempt at one answer.

use serde::{Deserialize, Serialize};

use super::{OwnerId, RunId, SessionId};

/// One attempt at one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub session: SessionId,
    /// `seq` of the question.
    pub question: i64,
    /// Ownership number: an answer is stored only while its session still carries the same one.
    pub fence: i64,
    /// Id of the model, as configured.
    pub model: String,
    /// The process that answers. It holds a lease, and renews it while it works.
    pub owner: OwnerId,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The model finished its answer.
    Complete,
    /// The answer reached the greatest length that it may have.
    Length,
    /// A content filter stopped the question, or the answer in the middle.
    ContentFilter,
    /// The model declined to answer; its text says so.
    Refusal,
    /// The provider did not answer, or broke off.
    Failed,
    /// The server stopped before the answer was done.
    Interrupted,
    /// Its user stopped it.
    Cancelled,
    /// A member of staff took the session over.
    Superseded,
}

impl Status {
    pub const ALL: [Self; 8] = [
        Self::Complete,
        Self::Length,
        Self::ContentFilter,
        Self::Refusal,
        Self::Failed,
        Self::Interrupted,
        Self::Cancelled,
        Self::Superseded,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why a run failed, as far as visitors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    Unavailable,
    Timeout,
    /// The question alone is longer than the model takes.
    ContextTooLong,
    ContentFiltered,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_word_everywhere() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
