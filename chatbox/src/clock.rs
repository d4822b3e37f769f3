//! The one place that reads the clock; pure code takes the time as an argument.

use jiff::{Timestamp, Unit};

/// Now, in whole microseconds: as precise as the store keeps it, so that what is sent equals what is read later.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    // Fails only within a microsecond of the end of time.
    now.round(Unit::Microsecond).unwrap_or(now)
}
