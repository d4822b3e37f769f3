//! What a connection has received and can be made nothing of yet: the half of a frame or of a request's head.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Permit;
use super::budget::Share;
use super::connections::Counted;

/// Bytes that are not counted: nearly every message and every head is shorter, and costs no bookkeeping.
const FREE: usize = 4096;
/// Header and mask of a control frame.
const CONTROL_HEADER: usize = 6;

/// The count of one connection. Shared between its bytes and what is made of them. Cheap to clone.
#[derive(Clone)]
pub struct InFlight(Arc<Mutex<Count>>);

struct Count {
    bytes: usize,
    /// How often in a row the half of a message was found.
    found_partial: u8,
    /// What is counted of them.
    share: Share,
    is_refused: bool,
    /// The connection among those of its user, until it has really ended.
    connection: Option<Counted>,
}

/// There are too many bytes in flight.
#[derive(Debug, thiserror::Error)]
#[error("too much of incomplete messages is held")]
struct Refused;

impl InFlight {
    pub(super) fn new(share: Share) -> Self {
        Self(Arc::new(Mutex::new(Count {
            bytes: 0,
            found_partial: 0,
            share,
            is_refused: false,
            connection: None,
        })))
    }

    /// Bytes have come.
    ///
    /// # Errors
    /// When too many are in flight: of this user, or in all.
    pub fn received(&self, bytes: usize) -> io::Result<()> {
        let mut count = self.count();
        count.bytes += bytes;
        let counted = count.bytes.saturating_sub(FREE);
        if counted > 0 && !count.share.resize(counted) {
            count.is_refused = true;
            // The connection ends now; others need not wait for that.
            count.settle(0);
            return Err(io::Error::other(Refused));
        }
        Ok(())
    }

    /// They became a message: what was counted is given back.
    pub fn taken(&self) {
        let mut count = self.count();
        count.found_partial = 0;
        count.settle(0);
    }

    /// The connection has ended: nothing of its bytes is held any more.
    pub fn ended(&self) {
        self.count().settle(0);
    }

    /// A ping or a pong of so many bytes came, perhaps in the middle of a message.
    pub fn control(&self, payload: usize) {
        let mut count = self.count();
        let left = count.bytes.saturating_sub(payload + CONTROL_HEADER);
        count.settle(left);
    }

    /// How often in a row this was asked, now included, while the half of a message was there, and no whole one came.
    pub fn found_partial(&self) -> u8 {
        let mut count = self.count();
        count.found_partial = if count.bytes > 0 {
            count.found_partial.saturating_add(1)
        } else {
            0
        };
        count.found_partial
    }

    /// Whether the connection ended because too much was in flight.
    pub fn is_refused(&self) -> bool {
        self.count().is_refused
    }

    /// From now on the bytes are those of a user, who has this permission for the connection.
    pub fn belongs_to(&self, permit: Permit) {
        let mut count = self.count();
        count.share = permit.frames;
        count.connection.replace(permit.count);
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn settle(&mut self, bytes: usize) {
        self.bytes = bytes;
        // Less is always possible.
        let _ = self.share.resize(bytes.saturating_sub(FREE));
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Budget, Most};
    use super::*;

    fn hundred() -> Budget {
        Budget::new(Most {
            of_user: 0,
            of_address: 0,
            in_all: 100,
        })
    }

    #[test]
    fn what_is_half_there_is_counted_beyond_a_little_and_given_back() {
        let budget = hundred();
        let new = || InFlight::new(budget.share(None, None));
        let (first, second) = (new(), new());
        for in_flight in [&first, &second] {
            in_flight.received(FREE).unwrap();
        }
        first.received(100).unwrap();
        assert!(second.received(1).is_err());
        assert!(second.is_refused() && !first.is_refused());
        first.control(94);
        second.received(FREE + 100).unwrap();
        assert!(second.received(1).is_err(), "a hundred is all there is");
        second.received(FREE + 100).unwrap();
        second.ended();
        first.received(100).unwrap();
    }

    #[test]
    fn half_a_message_is_found_again_until_it_is_whole() {
        let in_flight = InFlight::new(hundred().share(None, None));
        assert_eq!(in_flight.found_partial(), 0);
        in_flight.received(50).unwrap();
        assert_eq!(
            (in_flight.found_partial(), in_flight.found_partial()),
            (1, 2)
        );
        // A fragmented message may have pongs between its parts.
        in_flight.received(10).unwrap();
        in_flight.control(4);
        assert_eq!(in_flight.found_partial(), 3);
        in_flight.taken();
        in_flight.received(1).unwrap();
        assert_eq!(in_flight.found_partial(), 1, "another one");
        in_flight.taken();
        assert_eq!(in_flight.found_partial(), 0);
        in_flight.received(6).unwrap();
        in_flight.control(0);
        assert_eq!(in_flight.found_partial(), 0, "a ping alone is none");
    }
}
