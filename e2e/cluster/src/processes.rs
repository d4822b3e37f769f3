//! Finds the processes that belong to the cluster, and ends them.
//!
//! No file holds process ids: such a file stays after a crash, and an id is reused. What is ours carries a mark in its
//! environment, which its children inherit. A process is checked again through a pidfd before it gets a signal, so a
//! reused id is never hit.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use builder::command::{HELPER, MARK};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The mark of the node's first processes. Those of pods have none: they end with the node.
pub const NODE: &str = "node";

/// How long processes that were killed may take to be gone.
const TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Whether the node is alive.
pub fn node_runs() -> bool {
    marked().iter().any(|(_, mark)| mark == NODE)
}

/// Whether anything is left that [`kill`] would end.
pub fn any() -> bool {
    !marked().is_empty()
}

/// Kills the node with everything in it, and the helpers of callers that were killed. Returns how many had a mark.
pub fn kill() -> Result<usize> {
    let begun = Instant::now();
    let mut killed = 0;
    loop {
        let left = marked();
        if left.is_empty() {
            return Ok(killed);
        }
        if begun.elapsed() > TIMEOUT {
            bail!("these processes do not end: {left:?}");
        }
        killed = killed.max(left.len());
        for (pid, mark) in &left {
            send(*pid, mark);
        }
        thread::sleep(POLL);
    }
}

fn send(pid: i32, expected: &str) {
    let Some(id) = Pid::from_raw(pid) else {
        return;
    };
    let Ok(handle) = pidfd_open(id, PidfdFlags::empty()) else {
        return;
    };
    if mark_of(pid).is_some_and(|mark| mark == expected) {
        // It may have ended between the check and the signal: that is what we wanted.
        let _ = pidfd_send_signal(&handle, Signal::KILL);
    }
}

/// Every living process of the cluster with its mark, ourselves left out.
fn marked() -> Vec<(i32, String)> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| *name != own)
        .filter_map(|name| name.parse().ok())
        .filter_map(|pid| Some((pid, mark_of(pid)?)))
        .collect()
}

/// The mark of a process that is ours to end.
fn mark_of(pid: i32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    unless_called(mark(&environment)?, |caller| {
        Path::new("/proc").join(caller).exists()
    })
}

/// A mark as it is; nothing for a helper whose caller is alive.
fn unless_called(mark: String, is_alive: impl Fn(&str) -> bool) -> Option<String> {
    let caller = mark
        .strip_prefix(HELPER)
        .and_then(|rest| rest.strip_prefix(':'));
    match caller {
        Some(caller) if is_alive(caller) => None,
        _ => Some(mark),
    }
}

fn mark(environment: &[u8]) -> Option<String> {
    let prefix = format!("{MARK}=");
    environment
        .split(|byte| *byte == 0)
        .find_map(|word| word.strip_prefix(prefix.as_bytes()))
        .map(|mark| String::from_utf8_lossy(mark).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_mark() {
        let environment = b"A=1\0CHATBOX_CLUSTER_PROCESS=node\0B=2\0";
        assert_eq!(mark(environment).as_deref(), Some(NODE));
        assert_eq!(mark(b"XCHATBOX_CLUSTER_PROCESS=node\0"), None);
    }

    #[test]
    fn a_helper_is_ours_once_its_caller_is_dead() {
        let ours = |mark: &str| unless_called(mark.to_owned(), |caller| caller == "7");
        assert_eq!(ours("helper:7"), None);
        assert_eq!(ours("helper:8").as_deref(), Some("helper:8"));
        assert_eq!(ours("node").as_deref(), Some("node"));
    }
}
