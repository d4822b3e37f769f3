//! One line a step, with its time, and every 15 seconds a line for each step that is still running.

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Longer silence looks like a command that hangs.
const INTERVAL: Duration = Duration::from_secs(15);

/// Reports to a terminal or to a log. Steps may run side by side.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    running: Running,
    /// Dropping the sender ends the reporter.
    reporter: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

/// How far a step is, in words that the step itself sets.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<String>>);

type Running = Arc<Mutex<Vec<Step>>>;

#[derive(Clone, Debug)]
struct Step {
    name: String,
    begun: Instant,
    meter: Meter,
}

impl Progress {
    pub fn begin() -> Self {
        Self::reporting_every(INTERVAL, print)
    }

    fn reporting_every(interval: Duration, report: impl Fn(&str) + Send + 'static) -> Self {
        let running = Running::default();
        let (sender, ended) = mpsc::channel();
        let steps = Arc::clone(&running);
        let reporter = thread::spawn(move || {
            while ended.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
                let steps = lock(&steps);
                // One that has just begun needs no line: the end of the step before it was printed a moment ago.
                let long = steps
                    .iter()
                    .filter(|step| step.begun.elapsed() > interval / 3);
                for step in long {
                    report(&step.line());
                }
            }
        });
        Self {
            begun: Instant::now(),
            running,
            reporter: Some((sender, reporter)),
        }
    }

    /// Runs a step and prints its line. The step returns its value, and what is worth knowing beside its name.
    pub fn step<T>(
        &self,
        name: &str,
        work: impl FnOnce(&Meter) -> Result<(T, String)>,
    ) -> Result<T> {
        let step = Step {
            name: name.to_owned(),
            begun: Instant::now(),
            meter: Meter::default(),
        };
        lock(&self.running).push(step.clone());
        let result = work(&step.meter);
        lock(&self.running).retain(|running| !Arc::ptr_eq(&running.meter.0, &step.meter.0));
        let (value, detail) = result.with_context(|| name.to_owned())?;
        let gap = if detail.is_empty() { "" } else { ": " };
        self.say(&format!(
            "{}  {name}{gap}{detail}",
            seconds(step.begun.elapsed())
        ));
        Ok(value)
    }

    /// Time since the command began.
    pub fn total(&self) -> String {
        seconds(self.begun.elapsed()).trim_start().to_owned()
    }

    pub fn say(&self, line: &str) {
        print(line);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, reporter)) = self.reporter.take() {
            drop(sender);
            // A reporter that panicked has nothing more to report.
            let _ = reporter.join();
        }
    }
}

impl Meter {
    /// Replaces the words.
    pub fn set(&self, words: impl Into<String>) {
        *lock(&self.0) = words.into();
    }

    fn words(&self) -> String {
        lock(&self.0).clone()
    }
}

impl Step {
    fn line(&self) -> String {
        let words = self.meter.words();
        let words = if words.is_empty() { "waiting" } else { &words };
        format!(
            "{}  ... {}: {words}",
            seconds(self.begun.elapsed()),
            self.name
        )
    }
}

fn print(line: &str) {
    // A closed pipe on the other side must not stop the work.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn seconds(time: Duration) -> String {
    format!("{:>6.1} s", time.as_secs_f64())
}

/// Every value is replaced whole, so one that a panic left behind is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_runs_is_reported_with_its_meter() {
        let (sender, lines) = mpsc::channel();
        let progress = Progress::reporting_every(Duration::from_millis(1), move |line| {
            let _ = sender.send(line.to_owned());
        });
        let line = progress.step("Kubernetes", |meter| {
            meter.set("3 of 7 packages compiled");
            // Until the reporter has seen what the meter says now.
            let line = lines.iter().find(|line| line.contains("3 of 7"));
            Ok((line, String::new()))
        });
        let line = line.unwrap().unwrap();
        assert!(
            line.ends_with("  ... Kubernetes: 3 of 7 packages compiled"),
            "{line}"
        );
    }

    #[test]
    fn a_step_that_ended_is_reported_no_more() {
        let progress = Progress::begin();
        progress.step("a", |_| Ok(((), String::new()))).unwrap();
        let failed: Result<()> = progress.step("b", |_| anyhow::bail!("no"));
        assert_eq!(format!("{:#}", failed.unwrap_err()), "b: no");
        assert!(lock(&progress.running).is_empty());
    }
}
