//! From when on runs of other processes may be taken over. Pure.

use tokio::time::Instant;

use super::LEASE;

/// While a shared store was away nobody could renew a lease. So after its return, and when a process starts, which may be
/// at that moment, one full lease passes before anybody is taken for dead.
#[derive(Debug)]
pub(super) struct TakeOverAfter {
    is_shared: bool,
    is_away: bool,
    from: Instant,
}

impl TakeOverAfter {
    pub(super) fn new(is_shared: bool, now: Instant) -> Self {
        Self {
            is_shared,
            is_away: false,
            from: if is_shared { now + LEASE } else { now },
        }
    }

    /// The store was read, or could not be.
    pub(super) fn read(&mut self, succeeded: bool, now: Instant) {
        if self.is_shared && self.is_away && succeeded {
            self.from = now + LEASE;
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

    #[tokio::test]
    async fn owners_have_one_lease_to_renew_theirs() {
        let start = Instant::now();
        let mut after = TakeOverAfter::new(true, start);
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
        let mut after = TakeOverAfter::new(false, start);
        assert!(after.is_over(start));
        after.read(false, start);
        after.read(true, start);
        assert!(after.is_over(start));
    }
}
