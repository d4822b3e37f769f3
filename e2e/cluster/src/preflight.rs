//! What would make `up` fail later, named before anything starts: all of it at once.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::linux::fs::MetadataExt,
    path::Path,
};

use anyhow::{Error, Result, bail};
use builder::{
    packages::{find, is_root},
    paths::{cache, cargo_target},
    tools::Tools,
};

use crate::{node, packages, paths, ports, processes, state};

const GIB: u64 = 1 << 30;

/// Programs that we build with and do not install.
const BUILDERS: [&str; 5] = ["cargo", "cc", "go", "node", "npm"];

/// Checks the machine for `up`.
pub fn check() -> Result<()> {
    let mut problems = Vec::new();
    if !is_root() {
        problems.push(
            "not root: the node needs it; run `sudo make up`, or `make test` without a node"
                .to_owned(),
        );
    }
    let missing: Vec<&str> = BUILDERS
        .into_iter()
        .filter(|program| find(program).is_none())
        .collect();
    if !missing.is_empty() {
        problems.push(format!("not installed: {}", missing.join(", ")));
    }
    if let Some(checkout) = state::foreign() {
        problems.push(format!(
            "the cluster of {} runs on this machine; end it there with `make down`",
            checkout.display()
        ));
    } else {
        problems.extend(taken_ports());
        problems.extend(other_kubernetes());
    }
    // With a missing builder the cache cannot be looked up; then the first build is what matters.
    let cold = !missing.is_empty() || !Tools::cached();
    problems.extend(shortages(cold));
    if problems.is_empty() {
        return Ok(());
    }
    bail!(
        "this machine is not ready:\n  - {}",
        problems.join("\n  - ")
    )
}

/// Why this machine cannot run pods, however it is cleaned up; nothing when it can. Installs missing packages.
pub fn no_pods() -> Option<String> {
    if !is_root() {
        return Some("pods need root".into());
    }
    if let Err(error) = packages::ensure() {
        return Some(format!(
            "pods need packages that are not here ({})",
            reason(&error)
        ));
    }
    if let Err(error) = node::probe() {
        return Some(format!(
            "pods need namespaces, and none can be made ({})",
            reason(&error)
        ));
    }
    let short = shortages(!Tools::cached());
    (!short.is_empty()).then(|| short.join(", "))
}

/// What a program said last, which is where it says why; it is shown beside the name of every scenario.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().to_owned()
}

/// `down` needs the same right.
pub fn check_right(verb: &str) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    bail!("not root: run `sudo make {verb}`")
}

/// Ports of the host that somebody else listens to.
fn taken_ports() -> Vec<String> {
    if processes::node_runs() {
        return Vec::new();
    }
    let taken = ports::HOST.into_iter().filter_map(|port| {
        let error = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err()?;
        Some(format!(
            "cannot listen on 127.0.0.1:{port}: {error}; `ss -ltnp` names who does"
        ))
    });
    taken.collect()
}

/// Programs that make groups for pods.
const KUBERNETES: [&str; 5] = ["kubelet", "kubelite", "k3s", "k3s-server", "rke2"];

/// A Kubernetes of the machine itself: two kubelets would each remove the other's groups of pods.
///
/// One in a network of its own, as in the containers of kind and minikube, has groups of its own too.
fn other_kubernetes() -> Option<String> {
    let network = fs::read_link("/proc/self/ns/net").ok()?;
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        // A process that has ended and waits for its parent has no program any more.
        let program = fs::read_link(entry.path().join("exe")).ok()?;
        let name = program.file_name()?.to_str()?;
        let foreign = KUBERNETES.contains(&name)
            && fs::read_link(entry.path().join("ns/net")).is_ok_and(|other| other == network);
        foreign.then(|| format!("another Kubernetes runs on this machine: {name} (process {pid})"))
    })
}

/// What is short. `cold`: Kubernetes has to be built first.
fn shortages(cold: bool) -> Vec<String> {
    let mut problems = disk(if cold { 12 } else { 4 });
    problems.extend(memory(if cold { 4 } else { 2 }));
    problems
}

fn disk(need: u64) -> Vec<String> {
    let mut seen = Vec::new();
    let mut problems = Vec::new();
    let places = [
        cargo_target(),
        cache().unwrap_or_default(),
        paths::DATA.into(),
    ];
    for place in &places {
        let Some((place, device, free)) = place.ancestors().find_map(free_space) else {
            continue;
        };
        if free < need * GIB && !seen.contains(&device) {
            problems.push(format!(
                "{} has {:.1} GiB free, {need} are needed",
                place.display(),
                gib(free)
            ));
        }
        seen.push(device);
    }
    problems
}

/// The file system that a folder lies on, and the free bytes there; nothing if the folder does not exist.
fn free_space(place: &Path) -> Option<(&Path, u64, u64)> {
    let device = fs::metadata(place).ok()?.st_dev();
    let space = rustix::fs::statvfs(place).ok()?;
    Some((place, device, space.f_bavail * space.f_frsize))
}

fn memory(need: u64) -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free = line.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    (free < need * GIB)
        .then(|| format!("{:.1} GiB of memory are free, {need} are needed", gib(free)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown with one digit after the point"
)]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}
