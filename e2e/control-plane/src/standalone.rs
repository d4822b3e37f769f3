//! A control plane without a node, for tests that need no pod. It needs no root.

use std::{
    net::Ipv4Addr,
    path::Path,
    process::Child,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result};

use builder::{packages, progress::Progress, scratch::Scratch, tools};

use crate::{
    component,
    kubectl::Kubectl,
    plane::{Plane, TIMEOUT},
    ports::Ports,
};

/// Ends a component together with the thread that started it.
const PACKAGES: [packages::Package; 1] = [("util-linux", "setpriv")];

type Children = Vec<(&'static str, Child)>;

/// etcd, API server and controllers on ports of their own. Dropping it ends them.
#[derive(Debug)]
pub struct ControlPlane {
    kubectl: Kubectl,
    stop: Option<mpsc::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl ControlPlane {
    /// Starts one and waits until it answers. Builds the programs first if they are not in the cache, and installs
    /// what is missing if this is root.
    pub fn start() -> Result<Self> {
        packages::ensure(&PACKAGES)?;
        let tools = tools::kubernetes(&Progress::begin())?;
        let (stop, stopped) = mpsc::channel();
        let (started, result) = mpsc::channel();
        // The kernel ends the children when the thread that started them ends, even by SIGKILL of the whole test.
        // A thread of its own makes that independent of the thread which the test runs on.
        let keeper = thread::spawn(move || keep(&tools, &started, &stopped));
        let kubectl = result
            .recv()
            .context("the control plane's thread ended early")??;
        Ok(Self {
            kubectl,
            stop: Some(stop),
            keeper: Some(keeper),
        })
    }

    /// The kubeconfig of an admin.
    pub fn kubeconfig(&self) -> &Path {
        self.kubectl.kubeconfig()
    }

    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked took its children along.
            let _ = keeper.join();
        }
    }
}

/// Lives as long as the control plane.
fn keep(tools: &Path, started: &mpsc::Sender<Result<Kubectl>>, stopped: &mpsc::Receiver<()>) {
    let mut children = Children::new();
    let (result, _scratch) = match Scratch::new("control-planes") {
        Ok(scratch) => (start(scratch.path(), tools, &mut children), Some(scratch)),
        Err(error) => (Err(error), None),
    };
    if started.send(result).is_ok() {
        // Ends with an error as soon as the other side is dropped.
        let _ = stopped.recv();
    }
    for (_, mut child) in children.into_iter().rev() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn start(dir: &Path, tools: &Path, children: &mut Children) -> Result<Kubectl> {
    let plane = Plane::new(dir, tools, Ipv4Addr::LOCALHOST, Ports::free()?)?;
    let logs = dir.join("logs");
    let kubectl = plane.kubectl();
    for component in [plane.etcd(), plane.apiserver()] {
        children.push((component.name, component.start_child(&logs)?));
    }
    component::wait(
        "API server",
        TIMEOUT,
        &logs,
        || dead(children),
        || kubectl.api_is_ready().then_some(()),
    )?;
    let component = plane.controllers();
    children.push((component.name, component.start_child(&logs)?));
    let account = ["get", "serviceaccount", "default", "--namespace=default"];
    component::wait(
        "controllers",
        TIMEOUT,
        &logs,
        || dead(children),
        || kubectl.succeeds(&account).then_some(()),
    )?;
    Ok(kubectl)
}

fn dead(children: &mut Children) -> Option<&'static str> {
    children
        .iter_mut()
        .find_map(|(name, child)| (!matches!(child.try_wait(), Ok(None))).then_some(*name))
}
