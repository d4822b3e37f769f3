//! Programs that are started for a measurement, and end with it.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::proc;
use crate::roles::Role;

/// How long a program may take to say that it serves, on a machine that compiles at the same time.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// What a program writes to standard error, line by line.
pub type Log = Lines<BufReader<ChildStderr>>;

/// A program of a measurement. Dropping it kills it; the kernel does when this process ends without dropping.
pub struct Process {
    child: Child,
    pid: u32,
}

impl Process {
    /// Starts it and gives back its lines on standard error.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        args: &[A],
        env: &[(&str, &OsStr)],
    ) -> Result<(Self, Log)> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = Self::spawn(command, program)?;
        let log = process.child.stderr.take().context("no standard error")?;
        Ok((process, BufReader::new(log).lines()))
    }

    /// Starts this program in another role, and waits until it serves.
    pub async fn role(bench: &Path, role: &Role) -> Result<(Self, SocketAddr)> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(bench)
            .args(role.args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut process = Self::spawn(command, bench)?;
        let out = process.child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(out).lines();
        let line = timeout(START_TIMEOUT, lines.next_line()).await??;
        let address = line.with_context(|| format!("{role:?} ended before it listened"))?;
        Ok((process, address.parse()?))
    }

    fn spawn(mut command: Command, program: &Path) -> Result<Self> {
        let child = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {} with setpriv", program.display()))?;
        let pid = child.id().context("it has ended already")?;
        Ok(Self { child, pid })
    }

    /// Processor time since its start.
    pub fn cpu(&self) -> Result<Duration> {
        proc::cpu(self.pid)
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> Result<u64> {
        proc::resident(self.pid)
    }

    /// Kills it and waits for its end.
    pub async fn end(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// The first value that `find` sees in a line; what comes after is read and thrown away, or the program would wait
/// for a reader some day.
pub async fn wait_for_line<T>(mut lines: Log, find: impl Fn(&str) -> Option<T>) -> Result<T> {
    let mut last = String::new();
    let found = timeout(START_TIMEOUT, async {
        while let Some(line) = lines.next_line().await? {
            if let Some(found) = find(&line) {
                return Ok(found);
            }
            last = line;
        }
        bail!("the program ended before it was ready")
    });
    let found = found.await.context("the program does not get ready")?;
    let found = found.with_context(|| format!("its last line: {last}"))?;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(found)
}
