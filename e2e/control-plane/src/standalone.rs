//! A control plane without a node, for tests that need no pod. It needs no root.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Child,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};

use builder::{packages, paths, progress::Progress, tools};

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
    let dir = folder();
    let result = dir
        .as_ref()
        .map_err(|error| anyhow!("{error:#}"))
        .and_then(|dir| start(dir, tools, &mut children));
    if started.send(result).is_ok() {
        // Ends with an error as soon as the other side is dropped.
        let _ = stopped.recv();
    }
    for (_, mut child) in children.into_iter().rev() {
        let _ = child.kill();
        let _ = child.wait();
    }
    if let Ok(dir) = dir {
        let _ = fs::remove_dir_all(dir);
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

/// A folder of its own below the build's folder; those of tests that were killed are swept away.
fn folder() -> Result<PathBuf> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);

    let base = paths::cargo_target().join("control-planes");
    fs::create_dir_all(&base)?;
    for entry in fs::read_dir(&base)?.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_string_lossy()
            .split('-')
            .next()
            .unwrap_or_default()
            .to_owned();
        if !Path::new("/proc").join(&owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let dir = base.join(format!(
        "{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}
