//! Medians and percentiles.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

/// An hour in nanoseconds: a longer delay counts as this one.
const LONGEST: u64 = 3_600_000_000_000;

/// Delays in nanoseconds, recorded from many tasks.
pub struct Delays(Mutex<Histogram<u64>>);

impl Default for Delays {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 3)
            .unwrap_or_else(|error| unreachable!("constants that are allowed: {error}"));
        Self(Mutex::new(histogram))
    }
}

impl Delays {
    pub fn record(&self, nanoseconds: u64) {
        self.lock().saturating_record(nanoseconds);
    }

    pub fn count(&self) -> u64 {
        self.lock().len()
    }

    /// The delay in milliseconds that this share of all, in percent, does not exceed.
    #[expect(clippy::cast_precision_loss, reason = "a delay has three digits")]
    pub fn millis(&self, percent: f64) -> f64 {
        self.lock().value_at_percentile(percent) as f64 / 1e6
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Histogram<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The middle value; of an even number the mean of the two in the middle. Nothing has no median.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(values[middle - 1], upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_few_and_many() {
        for (values, expected) in [
            (vec![], None),
            (vec![3.0], Some(3.0)),
            (vec![4.0, 1.0], Some(2.5)),
            (vec![9.0, 1.0, 2.0], Some(2.0)),
        ] {
            assert_eq!(median(values.clone()), expected, "{values:?}");
        }
    }

    #[test]
    fn percentiles_are_in_milliseconds() {
        let delays = Delays::default();
        for millis in 1..=100 {
            delays.record(millis * 1_000_000);
        }
        assert_eq!(delays.count(), 100);
        for (percent, expected) in [(50.0, 50.0), (99.0, 99.0), (100.0, 100.0)] {
            let millis = delays.millis(percent);
            assert!((millis - expected).abs() < 0.1, "{percent}: {millis}");
        }
    }
}
