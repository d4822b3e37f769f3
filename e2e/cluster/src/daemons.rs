//! How the components of the cluster are started so that they outlive the command, found again, and ended.
//!
//! No file holds process ids: such a file lies after a crash, and an id is reused. What is ours carries a mark in its
//! environment, which its children inherit, or has its root file system in our containerd. A process is checked
//! again through a pidfd before it gets a signal, so a reused id is never hit.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use builder::command::{HELPER, MARK};
use control_plane::component::Component;

use crate::paths;

/// The mark that a process in a pod counts as.
pub const CONTAINER: &str = "container";

/// The mark that what stands between containerd and a pod's processes counts as. It inherits that of containerd.
pub const SHIM: &str = "shim";

/// A living process of the cluster.
#[derive(Clone, Debug)]
pub struct Process {
    pub pid: i32,
    pub component: String,
}

/// Starts a component as a daemon that outlives this command, unless it runs already.
pub fn start(component: &Component, logs: &Path) -> Result<()> {
    if runs(component.name) {
        return Ok(());
    }
    let mut command = Command::new("setsid");
    command.arg(&component.program).env(MARK, component.name);
    component.spawn(command, logs).map(drop)
}

/// The first of these components that is not alive.
pub fn dead(components: &[&'static str]) -> Option<&'static str> {
    let alive = all();
    components
        .iter()
        .find(|name| alive.iter().all(|process| process.component != **name))
        .copied()
}

/// Every living process of the cluster, ourselves left out.
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id().to_string();
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| *name != own);
    pids.filter_map(|name| name.parse().ok())
        .filter_map(|pid| {
            Some(Process {
                pid,
                component: component_of(pid)?,
            })
        })
        .collect()
}

/// Whether a component of the cluster is alive.
pub fn runs(component: &str) -> bool {
    all().iter().any(|process| process.component == component)
}

/// Sends a signal to every process that `chosen` names, and waits until they are gone.
///
/// Those that are still there after `grace_period` are killed.
pub fn stop(grace_period: Duration, chosen: impl Fn(&str) -> bool) -> Result<usize> {
    let begun = Instant::now();
    let mut told = Vec::new();
    loop {
        let left: Vec<Process> = all()
            .into_iter()
            .filter(|process| chosen(&process.component))
            .collect();
        if left.is_empty() {
            return Ok(told.len());
        }
        let kill = begun.elapsed() >= grace_period;
        if begun.elapsed() > grace_period + Duration::from_secs(20) {
            let names: Vec<String> = left
                .iter()
                .map(|process| format!("{} ({})", process.component, process.pid))
                .collect();
            bail!("these processes do not end: {}", names.join(", "));
        }
        for process in &left {
            if kill || !told.contains(&process.pid) {
                signal(process, if kill { Signal::KILL } else { Signal::TERM });
            }
            if !told.contains(&process.pid) {
                told.push(process.pid);
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn signal(process: &Process, signal: Signal) {
    let Some(pid) = Pid::from_raw(process.pid) else {
        return;
    };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    if component_of(process.pid).is_some_and(|component| component == process.component) {
        // It may have ended between the check and the signal: that is what we wanted.
        let _ = pidfd_send_signal(&handle, signal);
    }
}

fn component_of(pid: i32) -> Option<String> {
    let process = Path::new("/proc").join(pid.to_string());
    let environment = fs::read(process.join("environ")).ok()?;
    if let Some(mark) = mark(&environment) {
        let program = fs::read_link(process.join("exe")).unwrap_or_default();
        let is_shim = program
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("containerd-shim"));
        let mark = if is_shim { SHIM.to_owned() } else { mark };
        return unless_called(mark, |caller| Path::new("/proc").join(caller).exists());
    }
    let mounts = fs::read_to_string(process.join("mountinfo")).ok()?;
    root_is_ours(&mounts).then(|| CONTAINER.to_owned())
}

/// The component that a mark names; nothing for a helper whose caller is alive.
fn unless_called(mark: String, is_alive: impl Fn(&str) -> bool) -> Option<String> {
    match mark
        .strip_prefix(HELPER)
        .and_then(|rest| rest.strip_prefix(':'))
    {
        Some(caller) => (!is_alive(caller)).then(|| HELPER.to_owned()),
        None => Some(mark),
    }
}

fn mark(environment: &[u8]) -> Option<String> {
    let prefix = format!("{MARK}=");
    let words = environment.split(|byte| *byte == 0);
    words
        .filter_map(|word| word.strip_prefix(prefix.as_bytes()))
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .next()
}

/// Whether the root file system of a process is an overlay of our containerd.
fn root_is_ours(mountinfo: &str) -> bool {
    let upper = format!("upperdir={}/", paths::DATA);
    mountinfo
        .lines()
        .any(|line| line.split(' ').nth(4) == Some("/") && line.contains(&upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_mark() {
        assert_eq!(
            mark(b"A=1\0CHATBOX_CLUSTER_PART=etcd\0B=2\0").as_deref(),
            Some("etcd")
        );
        assert_eq!(mark(b"XCHATBOX_CLUSTER_PART=etcd\0"), None);
    }

    #[test]
    fn a_helper_is_ours_once_its_caller_is_dead() {
        let component = |mark: &str| unless_called(mark.to_owned(), |caller| caller == "7");
        assert_eq!(component("helper:7"), None);
        assert_eq!(component("helper:8").as_deref(), Some(HELPER));
        assert_eq!(component("etcd").as_deref(), Some("etcd"));
    }

    #[test]
    fn a_process_of_a_pod_is_told_by_its_root() {
        let pod = "742 701 0:89 / / ro,relatime - overlay overlay ro,lowerdir=/a,upperdir=/var/lib/chatbox-cluster/containerd/x/fs,workdir=/b";
        assert!(root_is_ours(pod));
        // On the host the same overlay is mounted elsewhere.
        assert!(!root_is_ours(&pod.replacen(" / / ", " / /run/x ", 1)));
        assert!(!root_is_ours("22 1 254:0 / / rw - ext4 /dev/vda rw"));
    }
}
