//! The nouns: session, message, run. Pure: this room knows no other.

pub mod ids;
pub mod message;
pub mod run;
pub mod session;
pub mod title;
pub mod utf16;

pub use ids::{MessageId, RunId, SessionId};
pub use message::{Message, Sender};
pub use run::{Failure, Run, Status};
pub use session::Session;
