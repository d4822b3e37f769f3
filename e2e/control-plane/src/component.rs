//! A long-running program: how it is started as a child, and how we wait until it answers.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use builder::command::tail;

const POLL: Duration = Duration::from_millis(100);
const LAST_LINES: usize = 15;
/// A component counts as ended when it is found so this often: one that is being loaded has no environment for a
/// moment, and so nothing that tells whose it is.
const FAILURE_THRESHOLD: u32 = 5;

/// One program of a cluster.
#[derive(Clone, Debug)]
pub struct Component {
    pub name: &'static str,
    pub program: PathBuf,
    pub args: Vec<String>,
}

impl Component {
    /// Starts it as a child that the kernel ends together with the thread that called this.
    pub fn start_child(&self, logs: &Path) -> Result<Child> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.program);
        self.spawn(command, logs)
    }

    /// Starts it through a command that takes the program's arguments, with its log in the folder `logs`.
    pub fn spawn(&self, mut command: Command, logs: &Path) -> Result<Child> {
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

/// Where a component writes its log.
pub fn log_file(logs: &Path, component: &str) -> PathBuf {
    logs.join(format!("{component}.log"))
}

/// Asks again until `ready` has an answer. Ends early with the last lines of the log of a component that `dead` names.
pub fn wait<T>(
    what: &str,
    limit: Duration,
    logs: &Path,
    mut dead: impl FnMut() -> Option<&'static str>,
    mut ready: impl FnMut() -> Option<T>,
) -> Result<T> {
    let begun = Instant::now();
    let mut failures = 0;
    loop {
        if let Some(answer) = ready() {
            return Ok(answer);
        }
        let ended = dead();
        failures = ended.map_or(0, |_| failures + 1);
        if let Some(component) = ended.filter(|_| failures >= FAILURE_THRESHOLD) {
            bail!(
                "{component} ended by itself; the end of {}:\n{}",
                log_file(logs, component).display(),
                last_lines(logs, component)
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

fn last_lines(logs: &Path, component: &str) -> String {
    let text = fs::read(log_file(logs, component)).unwrap_or_default();
    tail(&String::from_utf8_lossy(&text), LAST_LINES)
}
