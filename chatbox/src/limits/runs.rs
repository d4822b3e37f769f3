//! Permission to write an answer.

use tokio::sync::OwnedSemaphorePermit;

use super::budget::Share;
use super::slots::Slot;

/// Permission to write one answer after the other in a session; given back when dropped.
pub struct RunPermit {
    /// Of a user who asks, or of what an earlier process left.
    _held: Held,
    bytes: Share,
}

pub(super) enum Held {
    #[expect(dead_code, reason = "held, not read")]
    Asked(Slot),
    #[expect(dead_code, reason = "held, not read")]
    Left(OwnedSemaphorePermit),
}

impl RunPermit {
    pub(super) fn new(held: Held, bytes: Share) -> Self {
        Self { _held: held, bytes }
    }

    /// Makes room for an answer of so many bytes. False: there is not so much left for this user, or in all.
    #[must_use]
    pub fn hold(&mut self, bytes: usize) -> bool {
        self.bytes.resize(bytes)
    }
}
