//! Permission to write an answer.

use super::COPIES;
use super::budget::Share;
use super::slots::Slot;

/// Room is taken in steps of so many bytes: the count is shared by all runs, and an answer grows by a few bytes at a time.
const STEP: usize = 4096;

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
        // All there is are whole steps, so the last byte of it can be had.
        let room = bytes.next_multiple_of(STEP);
        self.bytes.resize(room.saturating_mul(COPIES))
    }

    /// Gives back the room of an answer that has ended.
    pub fn release(&mut self) {
        // To give back never fails.
        let _ = self.bytes.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    #[test]
    fn the_last_byte_of_a_user_can_be_had_and_one_more_cannot() {
        let limits = Limits::new(&crds::config::Limits::default());
        let mut first = limits.try_run("a").unwrap();
        let mut second = limits.try_run("a").unwrap();
        let all = 4 * 1024 * 1024;
        assert!(first.hold(1), "takes a step");
        assert!(second.hold(all - 2 * STEP + 1));
        assert!(!second.hold(all - STEP + 1));
        first.release();
        assert!(first.hold(STEP - 1) && second.hold(all - STEP));
        drop(first);
        assert!(second.hold(all - 1) && second.hold(all));
        assert!(!second.hold(all + 1));
    }
}
