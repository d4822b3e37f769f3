//! What the stand-in provider shall answer, told to it as the question.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Error, Result};

/// An answer: so many tokens, one `every` so long, of so many bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    pub tokens: u32,
    pub every: Duration,
    pub bytes: usize,
}

impl Script {
    /// An answer that comes all at once.
    pub fn at_once(tokens: u32, bytes: usize) -> Self {
        Self {
            tokens,
            every: Duration::ZERO,
            bytes,
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = self.every.as_micros();
        write!(out, "bench:{}:{every}:{}", self.tokens, self.bytes)
    }
}

impl FromStr for Script {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let mut parts = text.strip_prefix("bench:")?.split(':');
            let script = Self {
                tokens: parts.next()?.parse().ok()?,
                every: Duration::from_micros(parts.next()?.parse().ok()?),
                bytes: parts.next()?.parse().ok()?,
            };
            parts.next().is_none().then_some(script)
        };
        parse().with_context(|| {
            format!("{text:?} is no script; write bench:TOKENS:MICROSECONDS:BYTES")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_survives_the_way_through_a_question() {
        let script = Script {
            tokens: 300,
            every: Duration::from_millis(50),
            bytes: 16,
        };
        assert_eq!(script.to_string(), "bench:300:50000:16");
        assert_eq!(script.to_string().parse::<Script>().unwrap(), script);
        for bad in [
            "",
            "bench:",
            "bench:1:2",
            "bench:1:2:3:4",
            "bench:-1:0:0",
            "hello",
        ] {
            assert!(bad.parse::<Script>().is_err(), "{bad:?}");
        }
    }
}
