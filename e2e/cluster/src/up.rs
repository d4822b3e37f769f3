//! `cluster up`: from nothing, or from any half-started state, to a chat page on 127.0.0.1.

use std::{fs, net::Ipv4Addr, os::unix::fs::PermissionsExt, path::Path, thread};

use anyhow::{Context, Result, anyhow};
use builder::{
    images::{self, Image, Images},
    paths::{bin, checkout, public},
    progress::{Meter, Progress},
    tools::Tools,
};
use control_plane::{
    component,
    kubectl::Kubectl,
    plane::{Plane, TIMEOUT},
};

use crate::{
    down, install,
    node::{self, containerd},
    packages, paths, ports, preflight, processes,
    state::{self, State},
};

/// A cluster that runs.
#[derive(Debug)]
pub struct Running {
    pub kubectl: Kubectl,
    pub tools: Tools,
    pub images: Images,
    /// An image that waits until it is stopped.
    pub pause: Image,
}

/// Starts the cluster with the operator in it. What runs already and has not changed is left alone.
pub fn up(progress: &Progress) -> Result<Running> {
    progress.step("machine", |_| {
        preflight::check().map(|()| ((), "ready for a cluster".into()))
    })?;
    let _lock = state::lock()?;
    progress.step("Debian packages", |meter| {
        meter.set("apt-get installs what is missing");
        Ok(((), list_or(&packages::ensure()?, "all there")))
    })?;
    // Building waits for compilers, starting waits for answers: the two go well side by side.
    let (started, built) = thread::scope(|scope| {
        let building = scope.spawn(|| images::build(progress));
        let started = Tools::ensure(progress).and_then(|tools| start(progress, tools));
        let built = building.join();
        (
            started,
            built.unwrap_or_else(|_| Err(anyhow!("the build ended by a panic"))),
        )
    });
    let ((tools, kubectl, pause), images) = (started?, built?);
    progress.step("images", |_| {
        let imported = [
            ("operator", containerd::import(&images.operator)?),
            ("chatbox", containerd::import(&images.chatbox)?),
        ];
        Ok(((), changes(&imported)))
    })?;
    progress.step("charts", |_| {
        install::charts(&tools.helm, kubectl.kubeconfig(), &images)?;
        Ok(((), "installed".into()))
    })?;
    Ok(Running {
        kubectl,
        tools,
        images,
        pause,
    })
}

/// Applies the sample and prints how to go on.
pub fn quickstart(progress: &Progress, running: &Running) -> Result<()> {
    let page = progress.step("Chatbox", |_| {
        let page = install::sample(&running.kubectl, &running.images.chatbox)?;
        Ok((page, "ready".into()))
    })?;
    progress.say(&format!(
        "\nup after {}. Chat at {page}\n\nNext:\n  export KUBECONFIG={} PATH=$PATH:{}\n  kubectl get chatbox\n  kubectl edit chatbox quickstart\n  kubectl delete chatbox quickstart\n\n\
         `make down` ends it; logs lie in {}",
        progress.total(),
        paths::kubeconfig().display(),
        bin().display(),
        paths::logs().display(),
    ));
    Ok(())
}

/// Starts the node unless it runs already, of the same programs.
fn start(progress: &Progress, tools: Tools) -> Result<(Tools, Kubectl, Image)> {
    let state = State {
        checkout: checkout().to_owned(),
        kubernetes: tools.kubernetes.clone(),
        pause: tools.pause.clone(),
    };
    let pause = images::of_pause(&tools.pause)?;
    let runs = processes::node_runs() && state::read().is_some_and(|old| old == state);
    if !runs {
        down::clean(progress)?;
        state::write(&state)?;
    }
    let plane = Plane::new(
        Path::new(paths::DATA),
        &tools.kubernetes,
        Ipv4Addr::UNSPECIFIED,
        ports::CLUSTER,
    )?;
    let kubectl = publish(&plane)?;
    progress.step("node", |meter| {
        if !runs {
            node::start()?;
        }
        wait_for_node(&kubectl, meter)?;
        Ok(((), "ready".into()))
    })?;
    Ok((tools, kubectl, pause))
}

fn wait_for_node(kubectl: &Kubectl, meter: &Meter) -> Result<()> {
    let dead = || (!processes::node_runs()).then_some(node::LOG);
    let ready = |is_ready: bool| is_ready.then_some(());
    let logs = paths::logs();
    meter.set("etcd, containerd and the API server start");
    component::wait("API server", TIMEOUT, &logs, dead, || {
        ready(kubectl.api_is_ready())
    })?;
    meter.set("the kubelet starts");
    component::wait("node", TIMEOUT, &logs, dead, || {
        ready(node_is_ready(kubectl))
    })
}

fn node_is_ready(kubectl: &Kubectl) -> bool {
    let path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
    // Pods need the account of their namespace, which the controllers make.
    kubectl
        .run(&["get", "node", node::NAME, "-o", path])
        .is_ok_and(|status| status == "True")
        && kubectl.succeeds(&["get", "serviceaccount", "default", "--namespace=default"])
}

/// Puts the admin's kubeconfig where a person finds it.
fn publish(plane: &Plane) -> Result<Kubectl> {
    let from = plane.credentials.kubeconfig("admin");
    let to = paths::kubeconfig();
    fs::create_dir_all(public())?;
    fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
    Ok(plane.kubectl())
}

fn changes(imports: &[(&str, bool)]) -> String {
    let changed: Vec<&str> = imports
        .iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| *name)
        .collect();
    list_or(&changed, "unchanged")
}

fn list_or(names: &[&str], none: &str) -> String {
    if names.is_empty() {
        none.to_owned()
    } else {
        names.join(", ")
    }
}
