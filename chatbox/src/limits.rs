//! How much of everything, and what happens beyond it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crds::config;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// How often counters of those who are quiet are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Counts what each user and address does. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Counters>);

struct Counters {
    messages: DefaultKeyedRateLimiter<String>,
    guests: DefaultKeyedRateLimiter<IpAddr>,
    connections: Mutex<HashMap<String, usize>>,
    per_user: usize,
    in_all: usize,
}

/// Room for one connection; given back when dropped.
pub struct Seat {
    limits: Limits,
    user: String,
}

impl Limits {
    pub fn new(limits: &config::Limits) -> Self {
        Self(Arc::new(Counters {
            messages: RateLimiter::keyed(per_minute(limits.messages_per_minute)),
            guests: RateLimiter::keyed(per_minute(limits.guests_per_minute)),
            connections: Mutex::default(),
            per_user: count(limits.connections_per_user),
            in_all: count(limits.connections),
        }))
    }

    /// One message of this user, or how long to wait before it.
    pub fn message(&self, user: &str) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.0
            .messages
            .check_key(&user.to_owned())
            .map_err(|wait| wait.wait_time_from(clock.now()))
    }

    /// One visitor's token for this address, or how long to wait before it.
    pub fn guest(&self, address: IpAddr) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.0
            .guests
            .check_key(&household(address))
            .map_err(|wait| wait.wait_time_from(clock.now()))
    }

    /// Room for one more connection of this user, if there is any.
    pub fn seat(&self, user: &str) -> Option<Seat> {
        let mut connections = self
            .0
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let all: usize = connections.values().sum();
        let mine = connections.entry(user.to_owned()).or_default();
        if *mine >= self.0.per_user || all >= self.0.in_all {
            if *mine == 0 {
                connections.remove(user);
            }
            return None;
        }
        *mine += 1;
        Some(Seat {
            limits: self.clone(),
            user: user.to_owned(),
        })
    }

    /// Forgets those who are quiet, for ever.
    pub async fn forget_quiet(&self) {
        let mut pace = tokio::time::interval(FORGET_EVERY);
        loop {
            pace.tick().await;
            self.0.messages.retain_recent();
            self.0.guests.retain_recent();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut connections = self
            .limits
            .0
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = connections.get_mut(&self.user) {
            *mine -= 1;
            if *mine == 0 {
                connections.remove(&self.user);
            }
        }
    }
}

/// What counts as one address: a household has a whole /64 of IPv6.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

fn per_minute(limit: i32) -> Quota {
    Quota::per_minute(NonZeroU32::new(limit.unsigned_abs()).unwrap_or(NonZeroU32::MIN))
}

fn count(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_come_back() {
        let limits = Limits::new(&config::Limits {
            connections_per_user: 2,
            connections: 3,
            ..config::Limits::default()
        });
        let (first, _second) = (limits.seat("a").unwrap(), limits.seat("a").unwrap());
        assert!(limits.seat("a").is_none(), "a user has two seats");
        let third = limits.seat("b").unwrap();
        assert!(limits.seat("c").is_none(), "there are three in all");
        drop(first);
        assert!(limits.seat("a").is_some());
        drop(third);
        assert_eq!(limits.0.connections.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_user_who_is_too_fast_is_told_how_long_to_wait_and_others_are_not() {
        let limits = Limits::new(&config::Limits {
            messages_per_minute: 2,
            ..config::Limits::default()
        });
        assert_eq!((limits.message("a"), limits.message("a")), (Ok(()), Ok(())));
        let wait = limits.message("a").unwrap_err();
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_mins(1),
            "{wait:?}"
        );
        assert_eq!(limits.message("b"), Ok(()));
    }

    #[test]
    fn a_household_has_one_limit() {
        let limits = Limits::new(&config::Limits {
            guests_per_minute: 1,
            ..config::Limits::default()
        });
        let guest = |address: &str| limits.guest(address.parse().unwrap()).is_ok();
        assert!(guest("2001:db8:0:1::1") && !guest("2001:db8:0:1:ffff::2"));
        assert!(guest("2001:db8:0:2::1") && guest("192.0.2.1") && !guest("192.0.2.1"));
    }
}
