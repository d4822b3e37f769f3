//! A session: one conversation of one user.

use jiff::Timestamp;

use super::SessionId;

/// One conversation of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user: String,
    /// Taken from the first message; empty before.
    pub name: String,
    /// Id of the model that its user chose. It may have gone from the configuration since.
    pub model: Option<String>,
    /// `seq` of the newest message; 0 before the first.
    pub seq: i64,
    pub created: Timestamp,
    /// When the newest message was stored.
    pub active: Timestamp,
    /// Tokens that the provider counted, question and answer, over all runs.
    pub tokens: i64,
    /// Answers given so far, and how long they took in milliseconds: together and at most.
    pub answers: i64,
    pub answer_ms_sum: i64,
    pub answer_ms_max: i64,
}
