//! Permission to write an answer.

use super::COPIES;
use super::budget::Share;
use super::slots::Slot;

/// Permission to write one answer after the other in a session; given back when dropped.
pub struct RunPermit {
    _slot: Slot,
    bytes: Share,
}

impl RunPermit {
    pub(super) fn new(slot: Slot, bytes: Share) -> Self {
        Self { _slot: slot, bytes }
    }

    /// Makes room for an answer of so many bytes. False: there is not so much left for this user, or in all.
    #[must_use]
    pub fn hold(&mut self, bytes: usize) -> bool {
        self.bytes.resize(bytes.saturating_mul(COPIES))
    }

    /// Gives back the room of an answer that has ended.
    pub fn release(&mut self) {
        // To give back never fails.
        let _ = self.bytes.resize(0);
    }
}
