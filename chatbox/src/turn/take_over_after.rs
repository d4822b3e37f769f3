//! From when on runs of other processes may be taken over, and sessions of members of staff who seem to be away. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// While a store was away nobody could renew a lease in it. So after its return, and when a process starts, which may be
/// at that moment, one full lease passes before anybody is taken for dead.
#[derive(Debug)]
pub(super) struct TakeOverAfter {
    /// How long a lease lasts; zero where no other process can have one.
    lease: Duration,
    is_away: bool,
    from: Instant,
}

impl TakeOverAfter {
    pub(super) fn new(lease: Duration, now: Instant) -> Self {
        Self {
            lease,
            is_away: false,
            from: now + lease,
        }
    }

    /// The store was read, or could not be.
    pub(super) fn read(&mut self, succeeded: bool, now: Instant) {
        if self.is_away && succeeded {
            self.from = now + self.lease;
        }
        self.is_away = !succeeded;
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::LEASE;

    #[tokio::test]
    async fn owners_have_one_lease_to_renew_theirs() {
        let start = Instant::now();
        let mut after = TakeOverAfter::new(LEASE, start);
        assert!(!after.is_over(start));
        assert!(after.is_over(start + LEASE));
        let away = start + 4 * LEASE;
        after.read(false, away);
        after.read(false, away + LEASE);
        let back = away + 2 * LEASE;
        after.read(true, back);
        assert!(!after.is_over(back));
        after.read(true, back + LEASE / 2);
        assert!(
            !after.is_over(back + LEASE / 2),
            "another reading changes nothing"
        );
        assert!(after.is_over(back + LEASE));
    }

    #[tokio::test]
    async fn a_store_of_one_process_has_nobody_to_wait_for() {
        let start = Instant::now();
        let mut after = TakeOverAfter::new(Duration::ZERO, start);
        assert!(after.is_over(start));
        after.read(false, start);
        after.read(true, start);
        assert!(after.is_over(start));
    }
}
