//! How much of everything, and what happens beyond it.
//!
//! - `in_flight`: bytes of a connection that are no message yet
//! - `connections`: how many are open, by user and in all
//! - `budget`: bytes, by user, by address and in all
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

use self::budget::{Budget, Most, Share};
pub use self::connections::Full;
use self::connections::{Connections, Counted};
pub use self::in_flight::InFlight;
pub use self::runs::RunPermit;
use self::slots::{Slot, Slots};

/// Reads of the past by one user: so many at once for each connection that one may have, as when all tabs come back
/// after a restart, and then one a second for so many of them.
const READS_OF_A_CONNECTION: u32 = 3;
/// At least so many: one page alone needs a few, and somebody may reload it.
const READS_AT_ONCE: u32 = 30;
const CONNECTIONS_OF_A_READ: u32 = 10;
/// Bytes of incomplete frames: two of the largest size of one user, and a small part of a pod's memory in all. One
/// address has a quarter of them: it may have a guest for each of its sockets.
const FRAMES: Most = Most {
    of_user: 2 * 1024 * 1024,
    of_address: 8 * 1024 * 1024,
    in_all: 32 * 1024 * 1024,
};
/// Bytes of incomplete heads of requests, which anybody may send: they take nothing from those who have a token.
const HEADS: Most = Most {
    of_user: 0,
    of_address: 2 * 1024 * 1024,
    in_all: 8 * 1024 * 1024,
};
/// Answers that are written at the same time in all: what a provider grants, and what the memory of a pod holds. A user
/// has one for each connection that one may have: a connection follows one session, and a session has one run.
const RUNS: usize = 1000;
/// Questions that an earlier process left and that are answered at the same time: a server that has just started has
/// new ones to answer too.
const RECOVERIES: usize = 32;
/// An answer that is being written lies in memory so often: in its run, in what is there for those who join, and in its newest
/// checkpoint.
const COPIES: usize = 3;
/// Bytes of answers that are being written, with every copy. One answer may have all of a user's: more than any model
/// writes.
const ANSWERS: Most = Most {
    of_user: COPIES * 4 * 1024 * 1024,
    of_address: 0,
    in_all: COPIES * 32 * 1024 * 1024,
};
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
    heads: Budget,
    answers: Budget,
    runs: Slots<String>,
    recoveries: Arc<Semaphore>,
    histories_by_user: Slots<String>,
    /// Counts them in all, too.
    histories: Slots<IpAddr>,
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
            frames: Budget::new(FRAMES),
            heads: Budget::new(HEADS),
            answers: Budget::new(ANSWERS),
            runs: Slots::new(count(limits.connections_per_user), RUNS),
            recoveries: Arc::new(Semaphore::new(RECOVERIES)),
            // Who waits for a slot of the address must hold none of all.
            histories_by_user: Slots::new(HISTORIES_PER_USER, Semaphore::MAX_PERMITS),
            histories: Slots::new(HISTORIES_PER_ADDRESS, HISTORIES),
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
        // What one user alone uses up comes first: whoever waits holds nothing that others wait for.
        let permit = async {
            let of_user = self.0.histories_by_user.take(&user.to_owned()).await;
            (of_user, self.0.histories.take(&network(address)).await)
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

    /// Permission for one more connection of this user at this address, unless there are too many.
    pub fn connect(&self, user: &str, address: IpAddr) -> Result<Permit, Full> {
        let count = self.0.connections.add(user)?;
        Ok(Permit {
            count,
            frames: self.0.frames.share(Some(user), Some(network(address))),
        })
    }

    /// Permission to tell one more client over a socket that there are too many; otherwise its request is refused.
    pub fn turn_away(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.turned_away).try_acquire_owned().ok()
    }

    /// The count of a new connection's bytes. `address`: of the client, unless it is a proxy that asks for many.
    pub fn in_flight(&self, address: Option<IpAddr>) -> InFlight {
        InFlight::new(self.0.heads.share(None, address.map(network)))
    }

    /// Permission to write one more answer to this user, unless there are too many.
    pub fn try_run(&self, user: &str) -> Option<RunPermit> {
        let slot = self.0.runs.try_take(&user.to_owned())?;
        Some(self.run_permit(slot, user))
    }

    /// The same, as soon as there are not too many.
    pub async fn run(&self, user: &str) -> RunPermit {
        let slot = self.0.runs.take(&user.to_owned()).await;
        self.run_permit(slot, user)
    }

    /// Permission to answer one more question that an earlier process left, beside that of its user.
    pub fn try_recovery(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.recoveries).try_acquire_owned().ok()
    }

    fn run_permit(&self, slot: Slot, user: &str) -> RunPermit {
        RunPermit::new(slot, self.0.answers.share(Some(user), None))
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
            self.0.histories_by_user.forget_idle();
            self.0.histories.forget_idle();
            self.0.pages.forget_idle();
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

    #[test]
    fn an_answer_is_counted_as_often_as_it_lies_in_memory() {
        const TEXT: usize = 4 * 1024 * 1024;
        let limits = Limits::new(&config::Limits::default());
        let mut held = Vec::new();
        for user in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let mut permit = limits.try_run(user).unwrap();
            assert!(!permit.hold(TEXT + 1), "{user}");
            assert!(permit.hold(TEXT), "{user}");
            held.push(permit);
        }
        let mut more = limits.try_run("i").unwrap();
        assert!(!more.hold(1));
        held[0].release();
        assert!(more.hold(TEXT));
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

    #[tokio::test(start_paused = true)]
    async fn histories_that_wait_for_their_user_keep_nobody_else_from_theirs() {
        let limits = Limits::new(&config::Limits::default());
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let mut held = Vec::new();
        for user in ["a", "a", "b", "b"] {
            held.push(limits.history(user, here).await.unwrap());
        }
        let more = ["a", "b"].into_iter().cycle().take(12).map(|user| {
            let limits = limits.clone();
            tokio::spawn(async move { limits.history(user, here).await.is_ok() })
        });
        let more: Vec<_> = more.collect();
        tokio::task::yield_now().await;
        assert!(limits.history("c", here).await.is_ok(), "four are free");
        for waiting in more {
            assert!(!waiting.await.unwrap());
        }

        // Those of many users of one address, which wait for it, keep nobody from the rest.
        let mut waiting = Vec::new();
        for user in 0..40 {
            let (limits, user) = (limits.clone(), format!("u{user}"));
            waiting.push(tokio::spawn(async move {
                limits.history(&user, here).await.map(drop)
            }));
        }
        tokio::task::yield_now().await;
        let elsewhere = "192.0.2.2".parse().unwrap();
        assert!(limits.history("d", elsewhere).await.is_ok());
        drop(held);
    }

    #[test]
    fn heads_of_nobody_and_frames_of_one_address_leave_room_for_others() {
        let limits = Limits::new(&config::Limits {
            connections_per_user: 10,
            ..config::Limits::default()
        });
        let [here, there] = ["2001:db8::1", "192.0.2.2"].map(|address| address.parse().unwrap());
        // Whoever sends heads without an end, from wherever: many connections, each with as much as one may have.
        let fill = |in_flight: &dyn Fn(usize) -> InFlight, bytes| {
            let mut held = Vec::new();
            while held.len() < 5000 {
                let in_flight = in_flight(held.len());
                if in_flight.received(bytes).is_err() {
                    return held;
                }
                held.push(in_flight);
            }
            panic!("nothing is limited");
        };
        let head = 16 * 1024;
        let of_here = fill(&|_| limits.in_flight(Some(here)), head);
        assert!(limits.in_flight(Some(there)).received(head).is_ok());
        let behind_a_proxy = fill(&|_| limits.in_flight(None), head);
        assert!(limits.in_flight(Some(there)).received(head).is_err());
        // None of it touches those who have a token, and an address of many guests has a part of theirs alone.
        let frames = |user: &str, address| {
            let in_flight = limits.in_flight(None);
            in_flight.belongs_to(limits.connect(user, address).unwrap());
            in_flight
        };
        let guests = fill(
            &|index| frames(&format!("g{}", index / 10), here),
            60 * 1024,
        );
        assert!(guests.len() > 100);
        assert!(
            frames("h", "2001:db8::2".parse().unwrap())
                .received(60 * 1024)
                .is_err()
        );
        assert!(frames("h", there).received(60 * 1024).is_ok());
        drop((of_here, behind_a_proxy, guests));
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
