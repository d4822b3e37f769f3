//! `cluster down`: leaves no process, mount, interface, rule or socket behind, from any half-started state.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, bail};

use crate::{
    kubectl::Kubectl,
    node::{self, network},
    paths, preflight, process,
    progress::Progress,
    state,
};

mod firewall;
mod leftovers;

/// Time for pods to end by themselves.
const PODS: Duration = Duration::from_secs(20);

/// Time for a part of Kubernetes to end by itself; it has nothing to save.
const PART: Duration = Duration::from_secs(3);

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
    progress.step("pods ended", || {
        ended += end_pods()?;
        Ok(String::new())
    })?;
    progress.step("processes ended", || {
        ended += end_processes()?;
        Ok(ended.to_string())
    })?;
    progress.step("machine cleaned", clean_machine)
}

/// Ends what would bring a pod back, then the pods. Returns the number of processes that were told to end.
fn end_pods() -> Result<usize> {
    let ended = process::stop(Duration::ZERO, |part| {
        matches!(
            part,
            "kube-controller-manager" | "kube-scheduler" | process::HELPER
        )
    })?;
    if let Some(state) = state::read() {
        let admin = Path::new(paths::DATA).join("pki/admin.kubeconfig");
        node::delete_pods(&Kubectl::new(&state.tools.join("kubectl"), &admin), PODS);
    }
    Ok(ended)
}

/// Ends every process. Returns the number of those that were told to end.
fn end_processes() -> Result<usize> {
    let mut ended = 0;
    // What is left of a pod first: a shim that dies before its container leaves it without a parent.
    for parts in [&["kubelet", "kube-proxy"][..], &[process::CONTAINER]] {
        ended += process::stop(PART, |part| parts.contains(&part))?;
    }
    let sockets = leftovers::shim_sockets();
    // Their data goes with them, so they have nothing to save.
    ended += process::stop(Duration::ZERO, |_| true)?;
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
        "{mounts} mounts, {links} interfaces, {rules} iptables chains and rules"
    ))
}

fn anything_left() -> bool {
    let files = [
        Path::new(paths::RUN),
        Path::new(paths::DATA),
        &Path::new("/sys/class/net").join(network::BRIDGE),
    ];
    files.iter().any(|file| file.exists()) || !process::ours().is_empty()
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot remove {}: {error}", dir.display())
        }
        _ => Ok(()),
    }
}
