//! `cluster up`: from nothing, or from any half-started state, to a chat page on 127.0.0.1.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, thread};

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
    plane::{NODE, Plane, TIMEOUT},
};

use crate::{
    daemons, down, install,
    node::{self, containerd, network},
    packages, paths, ports, preflight,
    state::{self, State},
};

/// A cluster that runs.
#[derive(Debug)]
pub struct Running {
    pub kubectl: Kubectl,
    pub tools: Tools,
    pub images: Images,
    /// An image that does nothing until it is told to end.
    pub pause: Image,
}

/// Starts the cluster with the operator in it. What runs already and has not changed is left alone.
pub fn up(progress: &Progress) -> Result<Running> {
    progress.step("machine", |_| {
        preflight::check().map(|()| ((), "ready for a cluster".into()))
    })?;
    let _lock = state::lock()?;
    progress.step("Debian packages", |_| {
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

/// Applies the sample and tells a person how to go on.
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

/// Starts what is not running, all at once where nothing depends on another.
fn start(progress: &Progress, tools: Tools) -> Result<(Tools, Kubectl, Image)> {
    let state = State {
        checkout: checkout().to_owned(),
        tools: tools.kubernetes.clone(),
    };
    let old = state::read();
    let alive = daemons::runs("etcd") && daemons::runs("containerd");
    if !alive || old.is_some_and(|old| old != state) {
        // Half a cluster, or one of other programs: begin on clean ground.
        down::clean(progress)?;
    }
    state::write(&state)?;
    let plane = Plane::new(
        Path::new(paths::DATA),
        &tools.kubernetes,
        NODE,
        ports::CLUSTER,
    )?;
    let kubectl = publish(&plane)?;
    let pause = images::of_pause(&tools.pause)?;
    progress.step("API server", |meter| {
        start_api(&plane, &kubectl, &pause, meter)?;
        Ok(((), "answers".into()))
    })?;
    progress.step("node", |_| {
        start_node(&tools, &plane, &kubectl)?;
        Ok(((), "ready".into()))
    })?;
    Ok((tools, kubectl, pause))
}

/// What everything else stands on.
const BASE: [&str; 3] = ["etcd", "kube-apiserver", "containerd"];

fn start_api(plane: &Plane, kubectl: &Kubectl, pause: &Image, meter: &Meter) -> Result<()> {
    let logs = paths::logs();
    let dead = || daemons::dead(&BASE);
    network::ensure()?;
    for component in [
        plane.etcd(),
        plane.apiserver(),
        containerd::component(&pause.name())?,
    ] {
        daemons::start(&component, &logs)?;
    }
    meter.set("containerd starts");
    component::wait("containerd", TIMEOUT, &logs, dead, || {
        containerd::is_ready().then_some(())
    })?;
    containerd::import(pause)?;
    meter.set("etcd and the API server start");
    component::wait("API server", TIMEOUT, &logs, dead, || {
        kubectl.api_is_ready().then_some(())
    })
}

fn start_node(tools: &Tools, plane: &Plane, kubectl: &Kubectl) -> Result<()> {
    let logs = paths::logs();
    let components = [
        plane.controllers(),
        plane.scheduler(),
        node::kubelet(&tools.kubernetes, &plane.credentials)?,
        node::proxy(&tools.kubernetes, &plane.credentials),
    ];
    for component in &components {
        daemons::start(component, &logs)?;
    }
    let ours = components.iter().map(|component| component.name);
    let names: Vec<&'static str> = BASE.into_iter().chain(ours).collect();
    component::wait(
        "node",
        TIMEOUT,
        &logs,
        || daemons::dead(&names),
        || node_is_ready(kubectl).then_some(()),
    )
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
