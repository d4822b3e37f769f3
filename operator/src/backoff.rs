//! The exponential back-off of each Chatbox whose reconcile fails.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use crate::lock::lock;
use crate::namespaced_name::NamespacedName;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(2);

/// Failed attempts in a row.
#[derive(Debug, Default)]
pub struct Backoff(Mutex<HashMap<NamespacedName, u32>>);

impl Backoff {
    /// Counts a failure and returns how long to wait.
    pub fn failed(&self, chatbox: NamespacedName) -> Duration {
        let mut attempts = lock(&self.0);
        let failures = attempts.entry(chatbox).or_default();
        let delay = delay(*failures);
        *failures = failures.saturating_add(1);
        // Those that failed together must not be retried together.
        delay.mul_f64(rand::random_range(0.5..1.0))
    }

    /// How often in a row it failed.
    pub fn failures(&self, chatbox: &NamespacedName) -> u32 {
        lock(&self.0).get(chatbox).copied().unwrap_or_default()
    }

    pub fn forget(&self, chatbox: &NamespacedName) {
        lock(&self.0).remove(chatbox);
    }

    /// Forgets every other Chatbox.
    pub fn retain(&self, chatboxes: &BTreeSet<NamespacedName>) {
        lock(&self.0).retain(|chatbox, _| chatboxes.contains(chatbox));
    }
}

fn delay(failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(failures);
    FIRST.saturating_mul(factor).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_a_ceiling() {
        let rows = [
            (0, 500),
            (1, 1_000),
            (4, 8_000),
            (8, 120_000),
            (4_000, 120_000),
        ];
        for (failures, millis) in rows {
            assert_eq!(delay(failures), Duration::from_millis(millis), "{failures}");
        }
    }

    #[test]
    fn a_success_starts_over() {
        let (backoff, key) = (
            Backoff::default(),
            NamespacedName {
                namespace: "n".into(),
                name: "x".into(),
            },
        );
        for _ in 0..5 {
            backoff.failed(key.clone());
        }
        assert_eq!(backoff.failures(&key), 5);
        backoff.forget(&key);
        assert!(backoff.failed(key) <= FIRST);
    }
}
