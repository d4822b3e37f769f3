//! Tells everybody who follows a session what happens in it, at once.
//!
//! The store is the truth, the bus is a hint: it may lose, repeat or delay what it carries. A follower that finds a gap
//! subscribes again, reads the store, and goes on with the live run of the new subscription.

mod event;
pub mod local;
mod queue;

use async_trait::async_trait;

pub use self::event::{DecodeError, Delta, Event, LiveRun};
pub use self::local::LocalBus;
pub use self::queue::{Received, Receiver};
use crate::chat::SessionId;

/// What every bus must do. The conformance suite in `tests/` holds each implementation to the words below.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells the followers of a session. Never waits, never fails: what cannot be carried is lost. A loss that no later
    /// event shows is reported to the followers as [`Received::Lagged`].
    fn publish(&self, session: &SessionId, event: Event);

    /// Follows a session. The live run and the events are of one moment: nothing lies between them. Over a network a
    /// piece may be in both, which its offset tells. The subscription ends when its receiver is dropped.
    async fn subscribe(&self, session: &SessionId) -> Subscription;
}

/// One follower of one session.
pub struct Subscription {
    /// What the run at work has produced before the first event; `None` without a run, or if nobody could be asked.
    pub live: Option<LiveRun>,
    pub events: Receiver,
}
