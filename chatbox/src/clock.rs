//! The one place that asks what time it is; pure code is told.

use jiff::Timestamp;

pub fn now() -> Timestamp {
    Timestamp::now()
}
