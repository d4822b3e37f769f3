//! How much of everything, and what happens beyond it.
//!
//! - `in_flight`: bytes of a connection that are no message yet
//! - `connections`: how many are open, by user and in all
//! - `budget`: bytes, by user and in all
//! - `runs`: answers that are written
//! - `slots`: things at the same time, by user and in all

mod budget;
mod connections;
mod in_flight;
mod runs;
mod slots;

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crds::config;
use governor::clock::Clock;
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::budget::{Budget, Share};
pub use self::connections::Full;
use self::connections::{Connections, Counted};
pub use self::in_flight::InFlight;
use self::runs::Held;
pub use self::runs::RunPermit;
use self::slots::{Slot, Slots};

/// Reads of the past by one user: so many at once for each connection that one may have, as when all tabs come back
/// after a restart, and then one a second for so many of them.
const READS_OF_A_CONNECTION: u32 = 3;
/// At least so many: one page alone needs a few, and somebody may reload it.
const READS_AT_ONCE: u32 = 30;
const CONNECTIONS_OF_A_READ: u32 = 10;
/// Bytes of incomplete frames: two of the largest size of one user, and a small part of a pod's memory in all.
const FRAMES_PER_USER: usize = 2 * 1024 * 1024;
const FRAMES: usize = 32 * 1024 * 1024;
/// Answers that are written at the same time in all: what a provider grants, and what the memory of a pod holds. A user
/// has one for each connection that one may have: a connection follows one session, and a session has one run.
const RUNS: usize = 1000;
/// Questions that an earlier process left and that are answered at the same time: a server that has just started has
/// new ones to answer too.
const LEFT_RUNS: usize = 32;
/// Bytes of answers that are being written. One answer may have all of a user's: more than any model writes.
const ANSWERS_PER_USER: usize = 4 * 1024 * 1024;
const ANSWERS: usize = 48 * 1024 * 1024;
/// Histories that are sent over HTTP at the same time: each may have a megabyte. One address has a quarter of them.
const HISTORIES_PER_USER: usize = 2;
const HISTORIES_PER_ADDRESS: usize = 8;
const HISTORIES: usize = 32;
/// How long a request for a history waits for its turn, as when a browser opens all its tabs again.
const HISTORY_WAIT: Duration = Duration::from_secs(2);
/// Pages of 256 KB of what clients have missed, held while they take them: 16 MB in all. Who gets none is sent
/// smaller ones, so that slow readers keep nobody waiting.
const PAGES_PER_USER: usize = 8;
const PAGES: usize = 64;
/// Sockets that are opened only to be told that there are too many.
const TURNED_AWAY: usize = 100;
/// How often the counters of those who did nothing for a while are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// When to try again where too much happens at the same time.
pub const RETRY: Duration = Duration::from_secs(5);

/// Counts what each user and address does. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Counters>);

struct Counters {
    messages: DefaultKeyedRateLimiter<String>,
    reads: DefaultKeyedRateLimiter<String>,
    guests: DefaultKeyedRateLimiter<IpAddr>,
    frames: Budget,
    answers: Budget,
    runs: Slots<String>,
    left_runs: Arc<Semaphore>,
    histories: Slots<String>,
    histories_by_address: Slots<IpAddr>,
    pages: Slots<String>,
    turned_away: Arc<Semaphore>,
    connections: Connections,
}

/// Permission for one connection, with room for the halves of its frames; given back when dropped.
pub struct Permit {
    count: Counted,
    frames: Share,
}

/// Permission to send one history; given back when dropped.
pub struct HistoryPermit(#[expect(dead_code, reason = "held, not read")] (Slot, Slot));

/// Permission to hold a whole page of what a client has missed; given back when dropped.
pub struct PagePermit(#[expect(dead_code, reason = "held, not read")] Slot);

impl Limits {
    pub fn new(limits: &config::Limits) -> Self {
        Self(Arc::new(Counters {
            messages: RateLimiter::keyed(per_minute(limits.messages_per_minute)),
            reads: RateLimiter::keyed(reads(limits.connections_per_user)),
            guests: RateLimiter::keyed(per_minute(limits.guests_per_minute)),
            frames: Budget::new(FRAMES_PER_USER, FRAMES),
            answers: Budget::new(ANSWERS_PER_USER, ANSWERS),
            runs: Slots::new(count(limits.connections_per_user), RUNS),
            left_runs: Arc::new(Semaphore::new(LEFT_RUNS)),
            histories: Slots::new(HISTORIES_PER_USER, HISTORIES),
            histories_by_address: Slots::new(HISTORIES_PER_ADDRESS, HISTORIES),
            pages: Slots::new(PAGES_PER_USER, PAGES),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY)),
            connections: Connections::new(
                count(limits.connections_per_user),
                count(limits.connections),
            ),
        }))
    }

    /// One message of this user, or how long to wait before it.
    pub fn message(&self, user: &str) -> Result<(), Duration> {
        check(&self.0.messages, &user.to_owned())
    }

    /// One read of what this user has missed, over the socket or over HTTP, or how long to wait before it.
    pub fn read(&self, user: &str) -> Result<(), Duration> {
        check(&self.0.reads, &user.to_owned())
    }

    /// One guest token for this address, or how long to wait before it.
    pub fn guest(&self, address: IpAddr) -> Result<(), Duration> {
        check(&self.0.guests, &network(address))
    }

    /// Permission to send one history to this user at this address, or how long to wait before it.
    pub async fn history(&self, user: &str, address: IpAddr) -> Result<HistoryPermit, Duration> {
        self.read(user)?;
        let permit = async {
            let at_address = self.0.histories_by_address.take(&network(address)).await;
            (at_address, self.0.histories.take(&user.to_owned()).await)
        };
        match timeout(HISTORY_WAIT, permit).await {
            Ok(permit) => Ok(HistoryPermit(permit)),
            Err(_) => Err(RETRY),
        }
    }

    /// Permission to hold a page for this user, unless too many are held.
    pub fn try_page(&self, user: &str) -> Option<PagePermit> {
        self.0.pages.try_take(&user.to_owned()).map(PagePermit)
    }

    /// Permission for one more connection of this user, unless there are too many.
    pub fn connect(&self, user: &str) -> Result<Permit, Full> {
        let count = self.0.connections.add(user)?;
        Ok(Permit {
            count,
            frames: self.0.frames.share(Some(user)),
        })
    }

    /// Permission to tell one more client over a socket that there are too many; otherwise its request is refused.
    pub fn turn_away(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.turned_away).try_acquire_owned().ok()
    }

    /// The count of a new connection's bytes.
    pub fn in_flight(&self) -> InFlight {
        InFlight::new(self.0.frames.share(None))
    }

    /// Permission to write one more answer to this user, unless there are too many.
    pub fn try_run(&self, user: &str) -> Option<RunPermit> {
        let slot = self.0.runs.try_take(&user.to_owned())?;
        Some(self.run_permit(Held::Asked(slot), user))
    }

    /// The same, as soon as there are not too many.
    pub async fn run(&self, user: &str) -> RunPermit {
        let slot = self.0.runs.take(&user.to_owned()).await;
        self.run_permit(Held::Asked(slot), user)
    }

    /// Permission to answer one more question that an earlier process left.
    pub fn try_left_run(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.left_runs).try_acquire_owned().ok()
    }

    /// The same permission, for the user whose question it turned out to be.
    pub fn left_run(&self, permit: OwnedSemaphorePermit, user: &str) -> RunPermit {
        self.run_permit(Held::Left(permit), user)
    }

    fn run_permit(&self, held: Held, user: &str) -> RunPermit {
        RunPermit::new(held, self.0.answers.share(Some(user)))
    }

    /// Forgets those who did nothing for a while, again and again. Ends never.
    pub async fn sweep(&self) -> anyhow::Error {
        let mut interval = tokio::time::interval(SWEEP_EVERY);
        loop {
            interval.tick().await;
            self.0.messages.retain_recent();
            self.0.reads.retain_recent();
            self.0.guests.retain_recent();
            self.0.runs.forget_idle();
            self.0.histories.forget_idle();
            self.0.pages.forget_idle();
            self.0.histories_by_address.forget_idle();
        }
    }
}

fn check<K: Clone + Hash + Eq>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Result<(), Duration> {
    let wait = |not_until: NotUntil<_>| not_until.wait_time_from(limiter.clock().now());
    limiter.check_key(key).map_err(wait)
}

/// What counts as one address: one customer of a provider has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
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

fn reads(connections: i32) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    let connections = connections.unsigned_abs();
    Quota::per_second(at_least_one(connections / CONNECTIONS_OF_A_READ)).allow_burst(at_least_one(
        (connections * READS_OF_A_CONNECTION).max(READS_AT_ONCE),
    ))
}

fn count(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_user_reads_so_often_and_others_all_the_same() {
        for (connections_per_user, at_once, wait) in
            [(1, 30, 1000), (10, 30, 1000), (1000, 3000, 10)]
        {
            let limits = Limits::new(&config::Limits {
                connections_per_user,
                ..config::Limits::default()
            });
            let served = (0..10_000).take_while(|_| limits.read("a").is_ok()).count();
            // Some may become possible meanwhile.
            assert!((at_once..at_once * 2).contains(&served), "{served}");
            let waits = limits.read("a").err().unwrap_or_default();
            assert!(waits <= Duration::from_millis(wait), "{waits:?}");
            assert_eq!(limits.read("b"), Ok(()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_history_waits_for_its_turn_and_stops_nobody_else() {
        let limits = Limits::new(&config::Limits::default());
        let history = async |user: &str, address: &str| {
            let limits = limits.clone();
            limits.history(user, address.parse().unwrap()).await
        };
        let first = history("a", "192.0.2.1").await.unwrap();
        let _second = history("a", "192.0.2.1").await.unwrap();
        assert_eq!(history("a", "192.0.2.9").await.err(), Some(RETRY));
        assert!(history("b", "192.0.2.1").await.is_ok());
        let (third, ()) = tokio::join!(history("a", "192.0.2.1"), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(third.is_ok());
        let mut held = Vec::new();
        for user in ["c", "d", "e", "f", "g", "h", "i", "j"] {
            held.push(history(user, "2001:db8::1").await.unwrap());
        }
        let more = history("k", "2001:db8::2").await;
        assert!(more.is_err(), "one address has a quarter of all");
        assert!(history("k", "192.0.2.2").await.is_ok());
    }

    #[test]
    fn pages_that_slow_readers_hold_are_bounded_for_a_user_and_in_all() {
        let limits = Limits::new(&config::Limits::default());
        let all_of =
            |user: &str| -> Vec<_> { std::iter::from_fn(|| limits.try_page(user)).collect() };
        let held: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
            .map(all_of)
            .into();
        let counts: Vec<_> = held.iter().map(Vec::len).collect();
        assert_eq!(counts, [8, 8, 8, 8, 8, 8, 8, 8, 0]);
        drop(held);
        assert!(limits.try_page("i").is_some());
    }

    #[test]
    fn a_network_of_ipv6_has_one_limit() {
        let limits = Limits::new(&config::Limits {
            guests_per_minute: 1,
            ..config::Limits::default()
        });
        let guest = |address: &str| limits.guest(address.parse().unwrap()).is_ok();
        assert!(guest("2001:db8:0:1::1") && !guest("2001:db8:0:1:ffff::2"));
        assert!(guest("2001:db8:0:2::1") && guest("192.0.2.1") && !guest("192.0.2.1"));
    }
}
