//! The one clock that all processes of a measurement share.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock. Processes of one machine agree on it, which `Instant` cannot express.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // The monotonic clock counts up from the start of the machine: neither part is ever negative.
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
