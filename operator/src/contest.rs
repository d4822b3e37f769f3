//! Who undoes what is applied: another controller that writes fields of ours each time after us would be answered at full
//! speed, for ever, and nobody would be told. Pure, but for its memory.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cache::managed_fields::Digest;
use crate::lock::lock;

/// What is undone within so long after it was applied is contested: a person takes longer.
const SOON: Duration = Duration::from_mins(1);
/// So often in a row it is applied again at once: somebody may edit one field after the other by hand or by a script.
const FREE: u32 = 12;
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(2);
/// What was applied longer ago is forgotten.
const MEMORY: Duration = Duration::from_mins(10);

/// The objects that were applied lately, by their uid.
#[derive(Debug, Default)]
pub struct Contests(Mutex<HashMap<String, Applied>>);

#[derive(Debug)]
struct Applied {
    desired: Digest,
    at: Instant,
    /// When it was first seen to be undone since.
    undone: Option<Instant>,
    /// How often in a row it was undone soon.
    times: u32,
}

impl Contests {
    /// Whether an object that is not as desired may be applied now.
    pub fn may_apply(&self, uid: &str, desired: &Digest, now: Instant) -> bool {
        let mut all = lock(&self.0);
        let known = all.get_mut(uid).filter(|known| known.desired == *desired);
        let Some(known) = known else {
            return true;
        };
        if known.undone.is_none() {
            let is_soon = now.duration_since(known.at) < SOON;
            known.times = if is_soon { known.times + 1 } else { 0 };
            known.undone = Some(now);
        }
        now.duration_since(known.at) >= pause(known.times)
    }

    /// It was applied.
    pub fn applied(&self, uid: &str, desired: Digest, now: Instant) {
        let mut all = lock(&self.0);
        all.retain(|_, known| now.duration_since(known.at) < MEMORY);
        let times = all
            .get(uid)
            .filter(|known| known.desired == desired)
            .map_or(0, |known| known.times);
        let applied = Applied {
            desired,
            at: now,
            undone: None,
            times,
        };
        all.insert(uid.to_owned(), applied);
    }
}

/// How long what was undone so often is left as it is, since it was applied.
fn pause(times: u32) -> Duration {
    match times.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(more) => FIRST
            .saturating_mul(2_u32.saturating_pow(more))
            .min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIRED: Digest = [1; 32];

    #[test]
    fn what_is_undone_again_and_again_is_applied_at_longer_and_longer_intervals() {
        let contests = Contests::default();
        let mut now = Instant::now();
        contests.applied("u", DESIRED, now);
        let mut waits = Vec::new();
        for _ in 0..FREE + 7 {
            // At once, as a controller does.
            let begin = now;
            while !contests.may_apply("u", &DESIRED, now) {
                now += Duration::from_secs(1);
            }
            waits.push((now - begin).as_secs());
            contests.applied("u", DESIRED, now);
        }
        let (free, slower) = waits.split_at(12);
        assert!(free.iter().all(|wait| *wait == 0), "{free:?}");
        assert_eq!(slower, [5, 10, 20, 40, 80, 120, 120]);
        assert!(contests.may_apply("another", &DESIRED, now));
    }

    #[test]
    fn an_edit_of_the_spec_and_one_that_comes_later_are_no_contest() {
        let contests = Contests::default();
        let mut now = Instant::now();
        for round in 0..9 {
            let desired = [round; 32];
            assert!(contests.may_apply("u", &desired, now), "edit {round}");
            contests.applied("u", desired, now);
        }
        for round in 0..9 {
            now += SOON;
            assert!(contests.may_apply("u", &[8; 32], now), "drift {round}");
            contests.applied("u", [8; 32], now);
        }
    }

    #[test]
    fn what_was_applied_long_ago_is_forgotten() {
        let contests = Contests::default();
        let now = Instant::now();
        for object in 0..100 {
            contests.applied(&object.to_string(), DESIRED, now);
        }
        contests.applied("u", DESIRED, now + MEMORY);
        assert_eq!(lock(&contests.0).len(), 1);
    }
}
