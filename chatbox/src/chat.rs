//! The nouns (session, message, run) and the rules about them. Pure: this module knows no other.
//!
//! Rules: [`access`] says who may do what with a session, [`admission`] what happens to a question, [`changes`] who may stop an
//! answer or have it written anew, [`models`] which model answers, [`takeover`] when staff talk in its place, [`title`] what a session is called, [`thoughts`] which part of an answer was only thought.

pub mod access;
pub mod admission;
pub mod changes;
pub mod digest;
pub mod ids;
pub mod message;
pub mod models;
pub mod run;
pub mod session;
pub mod takeover;
pub mod thoughts;
pub mod title;
pub mod utf16;

pub use access::{Action, Participant, Parties};
pub use admission::{Admission, Facts, Rejection, Verdict};
pub use changes::{Author, Newest, current, to_cancel};
pub use digest::{Digest, DigestKey};
pub use ids::{MessageId, OwnerId, RunId, SessionId};
pub use message::{Answered, Kind, Message, Sender, UNREADABLE};
pub use models::ModelIds;
pub use run::{Failure, Run, Status};
pub use session::Session;
pub use takeover::{Agent, Speaker};
pub use title::title;
