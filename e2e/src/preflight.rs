//! What would make `up` fail later, named before anything starts: all of it at once.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Error, Result, bail};

use crate::{command::run, node::network, packages, paths, ports, process, state, tools::Tools};

const GIB: u64 = 1 << 30;

/// Programs that we build with and do not install.
const BUILDERS: [&str; 5] = ["cargo", "cc", "go", "node", "npm"];

/// Checks the machine for `up`.
pub fn check() -> Result<()> {
    let mut problems = Vec::new();
    if !process::is_root() {
        problems.push("not root: containerd, the kubelet and the bridge need it; run `sudo make up`, or `make test` without a node".to_owned());
    }
    let missing: Vec<&str> = BUILDERS
        .into_iter()
        .filter(|program| packages::find(program).is_none())
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
    problems.extend(room(cold));
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
    if !process::is_root() {
        return Some("pods need root".into());
    }
    if let Err(error) = packages::ensure_cluster() {
        return Some(format!(
            "pods need packages that are not here ({})",
            reason(&error)
        ));
    }
    if let Err(error) = network::probe() {
        return Some(format!(
            "pods need a bridge, and none can be made ({})",
            reason(&error)
        ));
    }
    let room = room(!Tools::cached());
    (!room.is_empty()).then(|| room.join(", "))
}

/// What a program said last, which is where it says why; it is shown beside the name of every story.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().to_owned()
}

/// `down` needs the same right.
pub fn check_right(verb: &str) -> Result<()> {
    if process::is_root() {
        return Ok(());
    }
    bail!("not root: run `sudo make {verb}`")
}

fn taken_ports() -> Vec<String> {
    let begun = Instant::now();
    loop {
        let taken = taken_ports_now();
        // A process that was just killed holds its sockets a moment longer, but can no longer be named.
        if taken.is_empty() || begun.elapsed() > Duration::from_secs(2) {
            return taken;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn taken_ports_now() -> Vec<String> {
    let alive = process::ours();
    let runs = |part: &str| alive.iter().any(|process| process.part == part);
    let wanted = ports::fixed().into_iter().filter(|(_, part)| !runs(part));
    wanted
        .filter_map(|(port, part)| {
            Some(format!(
                "port {port}, for {part}, is {}",
                ports::taken(port)?
            ))
        })
        .collect()
}

/// Programs that write the iptables chains of Kubernetes.
const KUBERNETES: [&str; 6] = [
    "kubelet",
    "kube-proxy",
    "kubelite",
    "k3s",
    "k3s-server",
    "rke2",
];

/// A Kubernetes that is not ours and shares our network: two kube-proxies would fight over the same iptables chains.
///
/// One in a network of its own, as in the containers of kind and minikube, is nobody's concern.
pub fn other_kubernetes() -> Option<String> {
    let network = fs::read_link("/proc/self/ns/net").ok()?;
    let ours: Vec<i32> = process::ours().iter().map(|process| process.pid).collect();
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        // A process that has ended and waits for its parent has no program any more.
        let program = fs::read_link(entry.path().join("exe")).ok()?;
        let name = program.file_name()?.to_str()?;
        let foreign = KUBERNETES.contains(&name)
            && !ours.contains(&pid)
            && fs::read_link(entry.path().join("ns/net")).is_ok_and(|other| other == network);
        foreign.then(|| format!("another Kubernetes runs on this machine: {name} (process {pid})"))
    })
}

/// What is short. `cold`: Kubernetes has to be built first.
fn room(cold: bool) -> Vec<String> {
    let mut problems = disk(if cold { 12 } else { 4 });
    problems.extend(memory(if cold { 4 } else { 2 }));
    problems
}

fn disk(need: u64) -> Vec<String> {
    let mut seen = Vec::new();
    let mut problems = Vec::new();
    let cache = paths::cache().unwrap_or_default();
    for place in [
        paths::cargo_target(),
        cache,
        Path::new(paths::DATA).to_owned(),
    ] {
        let Some(place) = place
            .ancestors()
            .find(|dir| dir.exists())
            .map(Path::to_owned)
        else {
            continue;
        };
        let Some((device, free)) = free_space(&place) else {
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

/// The file system that a folder lies on, and the free bytes there.
fn free_space(place: &Path) -> Option<(String, u64)> {
    let text = run(Command::new("df")
        .args(["--output=source,avail", "--block-size=1"])
        .arg(place))
    .ok()?;
    let mut words = text.lines().nth(1)?.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
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
