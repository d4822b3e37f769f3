//! A session: one conversation of one user.

use jiff::Timestamp;

use super::{Agent, Parties, SessionId};

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
    /// Number of the newest run or takeover: what comes under a smaller one is old.
    pub fence: i64,
    pub created: Timestamp,
    /// When the newest message was stored.
    pub active: Timestamp,
    /// Tokens that the provider counted, question and answer, over all runs.
    pub tokens: i64,
    /// Answers given so far, and how long they took in milliseconds: together and at most.
    pub answers: i64,
    pub answer_ms_sum: i64,
    pub answer_ms_max: i64,
    /// The member of staff who has taken it over.
    pub assignee: Option<Agent>,
    /// Whether a member of staff has ever taken it over.
    pub is_assisted: bool,
    /// Since when its user waits for a member of staff.
    pub help_since: Option<Timestamp>,
}

impl Session {
    /// Those whose conversation it is.
    pub fn parties(&self) -> Parties<'_> {
        Parties {
            owner: &self.user,
            assignee: self.assignee.as_ref().map(|agent| agent.id.as_str()),
        }
    }
}
