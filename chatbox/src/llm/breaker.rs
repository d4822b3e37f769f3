//! Whether a model is worth asking: a circuit breaker. Pure.
//!
//! Three states in two fields: closed, open until some moment, and half open, when one of those who ask tries the model.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which a model is left alone.
const FAILURES_MAX: u32 = 3;
/// For how long, until one question tries it again.
const PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether to ask the model now. After a pause one may who asks, and the others when that one has succeeded.
    pub(super) fn try_ask(&mut self, now: Instant) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.open_until = Some(now + PAUSE);
                true
            }
        }
    }

    /// True: the model was left alone, and is not any more.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(self).open_until.is_some()
    }

    /// True: the model was asked until now, and is left alone from now on.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES_MAX {
            return false;
        }
        self.open_until.replace(now + PAUSE).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_left_alone_after_three_failures_in_a_row() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..2 {
            assert!(!breaker.failed(now));
        }
        assert!(!breaker.succeeded(), "it was never left alone");
        for _ in 0..2 {
            assert!(breaker.try_ask(now));
            assert!(!breaker.failed(now));
        }
        assert!(breaker.failed(now));
        assert!(!breaker.failed(now), "those who had asked before");
        assert!(!breaker.try_ask(now + PAUSE / 2));
    }

    #[test]
    fn after_the_pause_one_tries_and_the_others_wait_for_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            breaker.failed(now);
        }
        let later = now + PAUSE;
        assert!(breaker.try_ask(later));
        assert!(!breaker.try_ask(later));
        assert!(!breaker.failed(later), "it stays as it is");
        assert!(!breaker.try_ask(later + PAUSE / 2));
        // The one that tried may never have come to an end.
        assert!(breaker.try_ask(later + PAUSE));
        assert!(breaker.succeeded());
        assert!(breaker.try_ask(later + PAUSE));
    }
}
