//! `cluster down`: leaves no process, mount, interface, rule or socket behind, from any half-started state.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, bail};
use builder::{command::HELPER, progress::Progress};
use control_plane::kubectl::Kubectl;

use crate::{
    daemons,
    node::{self, network},
    paths, preflight, state,
};

mod firewall;
mod leftovers;

/// Time for pods to end by themselves.
const PODS: Duration = Duration::from_secs(20);

/// Time for a component of Kubernetes to end by itself; it has nothing to save.
const COMPONENT: Duration = Duration::from_secs(3);

/// Ends the cluster, whoever left it in whatever state.
pub fn down(progress: &Progress) -> Result<()> {
    preflight::check_right("down")?;
    if let Some(checkout) = state::foreign().filter(|checkout| checkout.exists()) {
        bail!(
            "the cluster on this machine belongs to {}; run `make down` there",
            checkout.display()
        );
    }
    let _lock = state::lock()?;
    if !anything_left() {
        progress.say("nothing to do: no cluster runs on this machine");
        return Ok(());
    }
    clean(progress)?;
    progress.say(&format!("down after {}", progress.total()));
    Ok(())
}

/// Takes away whatever is left of a cluster.
pub fn clean(progress: &Progress) -> Result<()> {
    if !anything_left() {
        return Ok(());
    }
    let mut ended = 0;
    progress.step("pods", |_| {
        ended += end_pods()?;
        Ok(((), "ended".into()))
    })?;
    progress.step("processes", |_| {
        ended += end_processes()?;
        Ok(((), format!("{ended} ended")))
    })?;
    progress.step("machine", |_| Ok(((), clean_machine()?)))
}

/// Ends what would bring a pod back, then the pods. Returns the number of processes that were told to end.
fn end_pods() -> Result<usize> {
    let ended = daemons::stop(Duration::ZERO, |name| {
        matches!(name, "kube-controller-manager" | "kube-scheduler" | HELPER)
    })?;
    if let Some(state) = state::read() {
        let admin = Path::new(paths::DATA).join("credentials/admin.kubeconfig");
        node::delete_pods(&Kubectl::new(&state.tools.join("kubectl"), &admin), PODS);
    }
    Ok(ended)
}

/// Ends every process. Returns the number of those that were told to end.
fn end_processes() -> Result<usize> {
    let mut ended = 0;
    // What is left of a pod first: a shim that dies before its container leaves it without a parent.
    for names in [&["kubelet", "kube-proxy"][..], &[daemons::CONTAINER]] {
        ended += daemons::stop(COMPONENT, |name| names.contains(&name))?;
    }
    let sockets = leftovers::shim_sockets();
    // Their data goes with them, so they have nothing to save.
    ended += daemons::stop(Duration::ZERO, |_| true)?;
    leftovers::remove_files(&sockets);
    Ok(ended)
}

/// Takes away what no process holds any more. Returns what there was.
fn clean_machine() -> Result<String> {
    let mounts = leftovers::unmount_all()?;
    let links = leftovers::remove_links()?;
    let rules = firewall::clean()?;
    network::restore_switches();
    leftovers::remove_traces();
    for dir in [paths::RUN, paths::DATA] {
        remove(Path::new(dir))?;
    }
    let _ = fs::remove_file(paths::kubeconfig());
    Ok(format!(
        "{mounts} mounts, {links} interfaces, {rules} iptables chains and rules removed"
    ))
}

fn anything_left() -> bool {
    let files = [
        Path::new(paths::RUN),
        Path::new(paths::DATA),
        &Path::new("/sys/class/net").join(network::BRIDGE),
    ];
    files.iter().any(|file| file.exists()) || !daemons::all().is_empty()
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", dir.display())
        }
        _ => Ok(()),
    }
}
