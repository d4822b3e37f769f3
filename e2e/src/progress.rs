//! One line a step, with its time.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Tells a person what is going on. Steps may run side by side; each prints its line when it ends.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
}

impl Progress {
    pub fn begin() -> Self {
        Self {
            begun: Instant::now(),
        }
    }

    /// Runs a step and prints its line. The step returns what is worth knowing beside its name.
    pub fn step(&self, name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        let begun = Instant::now();
        let detail = work().with_context(|| name.to_owned())?;
        let gap = if detail.is_empty() { "" } else { ": " };
        self.say(&format!(
            "{}  {name}{gap}{detail}",
            seconds(begun.elapsed())
        ));
        Ok(())
    }

    /// Announces work that takes long enough for a person to wonder.
    pub fn patience(&self, what: &str) {
        self.say(&format!("     ...  {what}"));
    }

    /// Time since the command began.
    pub fn total(&self) -> String {
        seconds(self.begun.elapsed()).trim_start().to_owned()
    }

    pub fn say(&self, line: &str) {
        // A closed pipe on the other side must not stop the work.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

fn seconds(time: Duration) -> String {
    format!("{:>6.1} s", time.as_secs_f64())
}
