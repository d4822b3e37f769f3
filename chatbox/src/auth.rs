//! `Caller`: the proof of who makes a request.

pub mod keys;

use jiff::Timestamp;

pub use self::keys::Keys;
use crate::chat::{Author, Participant};

/// A user whose token was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    /// What others are shown; the user id where the token names nothing else.
    pub name: String,
    pub roles: Vec<String>,
    /// When the token ends, and with it a connection.
    pub expires: Timestamp,
}

impl Caller {
    /// The caller, for the rules about sessions.
    pub fn as_participant(&self) -> Participant<'_> {
        Participant {
            user: &self.user,
            roles: &self.roles,
        }
    }

    /// The caller, as one who changes a session.
    pub fn to_author(&self) -> Author {
        Author {
            user: self.user.clone(),
            name: self.name.clone(),
            roles: self.roles.clone(),
        }
    }
}
