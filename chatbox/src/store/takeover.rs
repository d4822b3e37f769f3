//! What a store is told when members of staff come and go.

use jiff::Timestamp;

use super::Answer;
use crate::chat::{Agent, Author, Kind, Message, MessageId, Run, Sender, SessionId};

/// Words about what happened, stored as a message of the session.
#[derive(Clone, Debug)]
pub struct Notice {
    pub id: MessageId,
    pub content: String,
    pub at: Timestamp,
}

/// A run at work, with what is kept of it.
#[derive(Clone, Debug)]
pub struct Ongoing {
    pub run: Run,
    pub text: String,
}

/// A member of staff who wants to take a session over.
#[derive(Clone, Debug)]
pub struct Assign {
    pub session: SessionId,
    pub author: Author,
    pub notice: Notice,
    /// The end of the run at work, if there is one. Its status is `superseded`.
    pub ending: Option<(Run, Answer)>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// The messages that were stored: the end of the run at work, if there was one, and the notice.
    Now(Vec<Message>),
    Before,
    /// Another run is at work than the one that was to end.
    RunChanged,
}

/// Somebody who gives a session back to the model.
#[derive(Clone, Debug)]
pub struct Release {
    pub session: SessionId,
    pub by: By,
    pub notice: Notice,
}

/// Who ends a takeover.
#[derive(Clone, Debug)]
pub enum By {
    Agent(Author),
    /// The assignee was not there since then.
    Absence(Timestamp),
}

/// A user who asks for a member of staff.
#[derive(Clone, Debug)]
pub struct HelpRequest {
    pub session: SessionId,
    pub author: Author,
    pub notice: Notice,
}

impl Notice {
    /// What is stored of it.
    pub(super) fn message(
        &self,
        session: &SessionId,
        seq: i64,
        kind: Kind,
        agent: Option<Agent>,
    ) -> Message {
        Message {
            id: self.id,
            session: session.clone(),
            seq,
            client_id: None,
            sender: if agent.is_some() {
                Sender::Admin
            } else {
                Sender::User
            },
            content: self.content.clone(),
            at: self.at,
            replaces: None,
            kind,
            agent,
            answer: None,
        }
    }
}
