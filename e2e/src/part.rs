//! A program that stays: how it is started, and how we wait until it answers.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{command::tail, process};

const POLL: Duration = Duration::from_millis(100);
const LAST_LINES: usize = 15;
/// A program that is being loaded has no environment for a moment, and so no mark: dead is who is so this often.
const LOOKS: u32 = 5;

/// One program of the cluster.
#[derive(Clone, Debug)]
pub struct Part {
    pub name: &'static str,
    pub program: PathBuf,
    pub args: Vec<String>,
}

impl Part {
    /// Starts it as a daemon that outlives this command, unless it runs already.
    pub fn start_daemon(&self, logs: &Path) -> Result<()> {
        if process::runs(self.name) {
            return Ok(());
        }
        let mut command = Command::new("setsid");
        command.arg(&self.program).env(process::MARK, self.name);
        self.spawn(command, logs).map(drop)
    }

    /// Starts it as a child that the kernel ends together with the thread that called this.
    pub fn start_child(&self, logs: &Path) -> Result<Child> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program);
        self.spawn(command, logs)
    }

    fn spawn(&self, mut command: Command, logs: &Path) -> Result<Child> {
        fs::create_dir_all(logs)?;
        let log = log_file(logs, self.name);
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let err: File = out.try_clone()?;
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        command
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }
}

/// Where a part writes its log.
pub fn log_file(logs: &Path, part: &str) -> PathBuf {
    logs.join(format!("{part}.log"))
}

/// Asks again until `ready` has an answer. Ends early with the last words of a part that `dead` names.
pub fn wait<T>(
    what: &str,
    limit: Duration,
    logs: &Path,
    mut dead: impl FnMut() -> Option<&'static str>,
    mut ready: impl FnMut() -> Option<T>,
) -> Result<T> {
    let begun = Instant::now();
    let mut looks = 0;
    loop {
        if let Some(answer) = ready() {
            return Ok(answer);
        }
        let missing = dead();
        looks = missing.map_or(0, |_| looks + 1);
        if let Some(part) = missing.filter(|_| looks >= LOOKS) {
            bail!(
                "{part} ended by itself; the end of {}:\n{}",
                log_file(logs, part).display(),
                last_words(logs, part)
            );
        }
        if begun.elapsed() > limit {
            bail!(
                "{what} did not answer within {} s; the logs lie in {}",
                limit.as_secs(),
                logs.display()
            );
        }
        thread::sleep(POLL);
    }
}

/// The first of these daemons that is not alive.
pub fn dead_daemon(parts: &[&'static str]) -> Option<&'static str> {
    let alive = process::ours();
    parts
        .iter()
        .find(|part| alive.iter().all(|process| process.part != **part))
        .copied()
}

fn last_words(logs: &Path, part: &str) -> String {
    let text = fs::read(log_file(logs, part)).unwrap_or_default();
    tail(&String::from_utf8_lossy(&text), LAST_LINES)
}
