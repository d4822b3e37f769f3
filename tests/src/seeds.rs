//! The seeds of tests that are random or depend on timing: few in `make test`, many in `make soak`.

use std::env;
use std::fmt::Display;
use std::num::NonZeroU64;
use std::ops::Range;
use std::str::FromStr;

/// The seeds that a test runs with, `rounds` of them unless the environment says otherwise: `SOAK_ROUNDS` is their
/// number, `SOAK_SEED` the first. A test that fails prints how to run its seed alone.
pub fn seeds(rounds: u64) -> Seeds {
    let rounds = number::<NonZeroU64>("SOAK_ROUNDS").map_or(rounds, NonZeroU64::get);
    Seeds::new(number("SOAK_SEED").unwrap_or(1), rounds)
}

/// Iterates over seeds; when a test fails during one, that one is printed.
#[derive(Debug)]
pub struct Seeds {
    left: Range<u64>,
    current: Option<u64>,
}

impl Seeds {
    fn new(first: u64, rounds: u64) -> Self {
        Self {
            left: first..first.saturating_add(rounds),
            current: None,
        }
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.current = self.left.next();
        self.current
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        if let Some(seed) = self.current
            && std::thread::panicking()
        {
            eprintln!("failed with seed {seed}; for it alone: SOAK_SEED={seed} SOAK_ROUNDS=1");
        }
    }
}

/// A number from the environment. One that cannot be read must not become another run than was asked for.
fn number<N: FromStr<Err: Display>>(variable: &str) -> Option<N> {
    let text = env::var(variable).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{variable}={text} cannot be used: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begin_where_they_are_told_to_and_are_as_many() {
        assert_eq!(Seeds::new(7, 3).collect::<Vec<_>>(), [7, 8, 9]);
    }
}
