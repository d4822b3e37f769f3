//! `Caller`: the proof of who speaks. No caller, no answer.

pub mod keys;

use jiff::Timestamp;

pub use self::keys::Keys;

/// A user whose token was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    /// When the token ends, and with it a connection.
    pub expires: Timestamp,
}
