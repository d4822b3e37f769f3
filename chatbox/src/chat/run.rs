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
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The model finished its answer.
    Complete,
    /// The provider did not answer, or broke off.
    Failed,
    /// The server stopped before the answer was done.
    Interrupted,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Complete, Self::Failed, Self::Interrupted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Why a run failed, as far as visitors are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    Unavailable,
    Timeout,
}
