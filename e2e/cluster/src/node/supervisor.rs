//! What runs in the namespaces: the first process, which takes in orphans, and the supervisor, which starts the rest.

use std::{
    net::Ipv4Addr,
    os::fd::AsFd,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use builder::{command::run as execute, images};
use control_plane::{
    component::{self, Component},
    plane::{Plane, TIMEOUT},
};
use rustix::process::{Pid, WaitOptions, wait};

use super::{HIDDEN, SUPERVISOR, components, containerd, forward, network, own_program};
use crate::{paths, ports, state};

type Children = Vec<(&'static str, Child)>;

/// The first process of the namespace. It starts the supervisor, collects processes whose parent ended, and ends with
/// the supervisor; the kernel then kills every other process of the namespace.
pub(super) fn init() -> Result<()> {
    let child = Command::new(own_program()?).arg(SUPERVISOR).spawn()?;
    let child = Pid::from_child(&child);
    while let Some((ended, _)) = wait(WaitOptions::empty())? {
        if ended == child {
            bail!("the supervisor ended, and everything with it");
        }
    }
    Ok(())
}

/// Starts everything, and returns an error as soon as any of it ends.
pub(super) fn run() -> Result<()> {
    let state = state::read().context("there is no state of a cluster to start")?;
    let logs = paths::logs();
    isolate_mounts()?;
    network::ensure()?;
    let mut children = Children::new();
    let host = std::io::stdin().as_fd().try_clone_to_owned()?;
    let outbound = forward::start(host, network::outbound(), &logs)?;
    children.push(outbound);

    let directory = Path::new(paths::DATA);
    let plane = Plane::new(
        directory,
        &state.kubernetes,
        Ipv4Addr::UNSPECIFIED,
        ports::CLUSTER,
    )?;
    let pause = images::of_pause(&state.pause)?;
    let mut api = plane.apiserver();
    api.args.push(ports::node_port_range());
    start(
        &mut children,
        &[plane.etcd(), api, containerd::component(&pause.name())?],
    )?;
    wait_for(&mut children, "containerd", containerd::is_ready)?;
    containerd::import(&pause)?;
    let kubectl = plane.kubectl();
    wait_for(&mut children, "API server", || kubectl.api_is_ready())?;
    start(
        &mut children,
        &[
            plane.controllers(),
            plane.scheduler(),
            components::kubelet(&state.kubernetes, &plane.credentials)?,
            components::proxy(&state.kubernetes, &plane.credentials),
        ],
    )?;
    let never = || None::<()>;
    component::wait("node", Duration::MAX, &logs, || dead(&mut children), never)
}

/// Mounts made here are seen here alone, and by the pods where they ask for it.
fn isolate_mounts() -> Result<()> {
    execute(Command::new("mount").args(["--make-rshared", "/"]))?;
    for dir in HIDDEN {
        std::fs::create_dir_all(dir)?;
        execute(Command::new("mount").args(["-t", "tmpfs", "tmpfs", dir]))?;
    }
    Ok(())
}

fn start(children: &mut Children, components: &[Component]) -> Result<()> {
    for component in components {
        let child = component.start_child(&paths::logs())?;
        children.push((component.name, child));
    }
    Ok(())
}

fn wait_for(children: &mut Children, what: &str, ready: impl Fn() -> bool) -> Result<()> {
    let ready = || ready().then_some(());
    component::wait(what, TIMEOUT, &paths::logs(), || dead(children), ready)
}

/// The first component that has ended.
fn dead(children: &mut Children) -> Option<&'static str> {
    children
        .iter_mut()
        .find_map(|(name, child)| (!matches!(child.try_wait(), Ok(None))).then_some(*name))
}
