//! A message: stored once, never changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Agent, MessageId, RunId, SessionId, Status, thoughts};

/// What people are shown in place of a stored text that does not decrypt.
pub const UNREADABLE: &str = "\u{fffd} This text cannot be read.";

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub session: SessionId,
    /// Place in its session: 1, 2, 3, … without a gap.
    pub seq: i64,
    /// The sender's own id for it, unique in its session: sending twice stores once.
    pub client_id: Option<String>,
    pub sender: Sender,
    pub content: String,
    pub at: Timestamp,
    /// `seq` of an earlier question of the same user that this one stands for: that one and its answer are not shown any more.
    pub replaces: Option<i64>,
    pub kind: Kind,
    /// The member of staff who said it, or whom it is about.
    pub agent: Option<Agent>,
    /// Set on answers of a model.
    pub answer: Option<Answered>,
}

impl Message {
    /// What people are shown and models told of it. The thoughts of a model that were not known for such while they came
    /// stay in the content, so that places in a text that somebody has a part of stay what they were.
    pub fn text(&self) -> &str {
        match self.answer {
            Some(_) => thoughts::answer(&self.content),
            None => &self.content,
        }
    }

    /// Whether words stand for a text that does not decrypt.
    pub fn is_unreadable(&self) -> bool {
        self.content == UNREADABLE
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words of somebody.
    Text,
    /// A member of staff has taken the session over; no answer with an older fence comes after this.
    AdminJoin { fence: i64 },
    /// The session was handed back to the model.
    AdminLeave { fence: i64 },
    /// The user asks for a member of staff.
    HelpRequest,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::AdminJoin { .. } => "admin_join",
            Self::AdminLeave { .. } => "admin_leave",
            Self::HelpRequest => "help_request",
        }
    }

    /// `fence`: of a kind that has one.
    pub fn parse(text: &str, fence: Option<i64>) -> Option<Self> {
        match (text, fence) {
            ("text", _) => Some(Self::Text),
            ("admin_join", Some(fence)) => Some(Self::AdminJoin { fence }),
            ("admin_leave", Some(fence)) => Some(Self::AdminLeave { fence }),
            ("help_request", _) => Some(Self::HelpRequest),
            _ => None,
        }
    }

    pub fn fence(self) -> Option<i64> {
        match self {
            Self::AdminJoin { fence } | Self::AdminLeave { fence } => Some(fence),
            Self::Text | Self::HelpRequest => None,
        }
    }
}

/// Where an answer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub run: RunId,
    pub fence: i64,
    /// `seq` of the question.
    pub question: i64,
    pub status: Status,
    /// Id of the model, as configured.
    pub model: String,
}

/// Who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    User,
    Ai,
    /// A member of staff.
    Admin,
    System,
}

impl Sender {
    pub const ALL: [Self; 4] = [Self::User, Self::Ai, Self::Admin, Self::System];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sender| sender.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ai => "ai",
            Self::Admin => "admin",
            Self::System => "system",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_back_what_it_prints() {
        for kind in [
            Kind::Text,
            Kind::AdminJoin { fence: 3 },
            Kind::AdminLeave { fence: 4 },
            Kind::HelpRequest,
        ] {
            assert_eq!(Kind::parse(kind.as_str(), kind.fence()), Some(kind));
        }
        assert_eq!(Kind::parse("admin_join", None), None);
        assert_eq!(Kind::parse("picture", Some(1)), None);
    }

    #[test]
    fn a_sender_reads_back_what_it_prints() {
        for (sender, text) in Sender::ALL
            .into_iter()
            .zip(["user", "ai", "admin", "system"])
        {
            assert_eq!(sender.as_str(), text);
            assert_eq!(Sender::parse(text), Some(sender));
        }
        assert_eq!(Sender::parse("agent"), None);
    }
}
