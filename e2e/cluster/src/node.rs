//! The one node and its control plane, in namespaces of their own: processes, mounts and network.
//!
//! Whatever they start, mount or route is theirs alone, so ending the first process of the namespace ends and removes
//! all of it. The host sees a socket of containerd, ports on 127.0.0.1, and what lies in two folders.
//!
//! | Module | What it knows |
//! |---|---|
//! | `supervisor` | runs inside: starts everything, and ends when anything of it ends |
//! | `components`, [`containerd`] | kubelet, kube-proxy and containerd with their configuration |
//! | [`network`] | the bridge of the pods, and the way out |
//! | `forward` | connections from 127.0.0.1 of the host into the namespace |
//! | [`cgroups`] | the one thing of a node that has no namespace |

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode},
};

use anyhow::{Context, Result};
use builder::command::{MARK, run};
use control_plane::component::log_file;

use crate::{paths, processes};

pub mod cgroups;
mod components;
pub mod containerd;
mod forward;
pub mod network;
mod supervisor;

/// Name of the node.
pub const NAME: &str = "node1";

/// The log of the supervisor, beside those of what it supervises.
pub const LOG: &str = "node";

/// First arguments by which a program becomes a process of the node.
const INIT: &str = "node-init";
const SUPERVISOR: &str = "node-supervisor";

/// Creates namespaces; needs root, and a machine that lets it.
const UNSHARE: [&str; 7] = [
    "--mount",
    "--net",
    "--pid",
    "--fork",
    "--kill-child=SIGKILL",
    "--mount-proc",
    "--",
];

/// Runs a process of the node if this program was started as one, and returns its exit code. Every program that starts
/// nodes calls this first: the node's own processes are the same program again.
pub fn reexec() -> Option<ExitCode> {
    let result = match env::args().nth(1)?.as_str() {
        INIT => supervisor::init(),
        SUPERVISOR => supervisor::run(),
        _ => return None,
    };
    if let Err(error) = result {
        eprintln!("{error:#}");
    }
    Some(ExitCode::FAILURE)
}

/// Folders of the host that programs write to however they are configured; those of the node write into memory there.
pub const HIDDEN: [&str; 3] = ["/var/log", "/var/lib/cni", "/run/containerd"];

/// Starts the node. It outlives this process.
pub fn start() -> Result<Child> {
    // Logs of an earlier node would be taken for those of this one.
    let _ = fs::remove_dir_all(paths::logs());
    fs::create_dir_all(paths::logs())?;
    let log = log_file(&paths::logs(), LOG);
    let log = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new("setsid");
    command
        .arg("unshare")
        .args(UNSHARE)
        .arg(own_program()?)
        .arg(INIT)
        .env(MARK, processes::NODE)
        // The way back to the network of the host.
        .stdin(File::open("/proc/self/ns/net")?)
        .stdout(log.try_clone()?)
        .stderr(log);
    command.spawn().context("cannot start the node")
}

/// Whether namespaces can be made here, found out by making them. In a container, root often may not.
pub fn probe() -> Result<()> {
    run(Command::new("unshare").args(UNSHARE).arg("true")).map(drop)
}

/// A folder of the node's data.
fn data(name: &str) -> PathBuf {
    Path::new(paths::DATA).join(name)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn own_program() -> Result<PathBuf> {
    env::current_exe().context("cannot find this program")
}
