//! `cluster up`: from nothing, or from any half-started state, to a chat page on 127.0.0.1.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, thread};

use anyhow::{Context, Result, anyhow};

use crate::{
    control_plane::{PATIENCE, Plane},
    down,
    images::{self, Image},
    install,
    kubectl::Kubectl,
    node::{self, containerd, network},
    packages, part, paths, ports, preflight, process, programs,
    progress::Progress,
    state::{self, State},
    tools::Tools,
};

/// A cluster that runs.
#[derive(Debug)]
pub struct Running {
    pub kubectl: Kubectl,
    pub tools: Tools,
    pub operator: Image,
    pub chatbox: Image,
    /// An image that does nothing until it is told to end.
    pub pause: Image,
}

/// Starts the cluster with the operator in it. What runs already and has not changed is left alone.
pub fn up(progress: &Progress) -> Result<Running> {
    progress.step("machine checked", || {
        preflight::check().map(|()| String::new())
    })?;
    let _lock = state::lock()?;
    packages(progress)?;
    // Building waits for compilers, starting waits for answers: the two go well side by side.
    let (started, built) = thread::scope(|scope| {
        let building = scope.spawn(|| build_programs(progress));
        let started = build_tools(progress).and_then(|tools| start(progress, tools));
        (
            started,
            building
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the build ended by a panic"))),
        )
    });
    let ((tools, kubectl, pause), (operator, chatbox)) = (started?, built?);
    progress.step("images imported", || {
        Ok(changes(&[
            ("operator", operator.import()?),
            ("chatbox", chatbox.import()?),
        ]))
    })?;
    progress.step("charts installed", || {
        install::charts(&tools.helm, kubectl.kubeconfig(), &operator, &chatbox)
            .map(|()| String::new())
    })?;
    Ok(Running {
        kubectl,
        tools,
        operator,
        chatbox,
        pause,
    })
}

/// Builds everything and starts nothing.
pub fn build(progress: &Progress) -> Result<()> {
    packages(progress)?;
    build_tools(progress)?;
    build_programs(progress).map(drop)
}

/// Applies the sample and tells a person how to go on.
pub fn quickstart(progress: &Progress, running: &Running) -> Result<()> {
    let mut page = String::new();
    progress.step("Chatbox ready", || {
        page = install::sample(&running.kubectl, &running.chatbox)?;
        Ok(String::new())
    })?;
    let kubeconfig = paths::kubeconfig();
    progress.say(&format!(
        "\nup after {}. Chat at {page}\n\nNext:\n  export KUBECONFIG={} PATH=$PATH:{}\n  kubectl get chatbox\n  kubectl edit chatbox quickstart\n  kubectl delete chatbox quickstart\n\n\
         `make down` ends it; logs lie in {}",
        progress.total(),
        kubeconfig.display(),
        paths::bin().display(),
        paths::logs().display(),
    ));
    Ok(())
}

fn packages(progress: &Progress) -> Result<()> {
    progress.step("Debian packages", || {
        Ok(list_or(&packages::ensure_cluster()?, "all there"))
    })
}

fn build_tools(progress: &Progress) -> Result<Tools> {
    let mut tools = None;
    progress.step("Kubernetes 1.34 and helm built", || {
        let cached = Tools::cached();
        tools = Some(Tools::ensure(&|line| progress.patience(line))?);
        Ok(if cached {
            "from the cache".into()
        } else {
            String::new()
        })
    })?;
    tools.context("the step above returned")
}

fn build_programs(progress: &Progress) -> Result<(Image, Image)> {
    progress.step("page built", programs::build_page)?;
    let mut images = None;
    progress.step("operator and chatbox built", || {
        if programs::is_first_build() {
            progress.patience(
                "compiling both programs for the first time: about five minutes on two cores",
            );
        }
        let built = programs::build()?;
        let operator = images::of_program("chatbox-operator", &built)?;
        let chatbox = images::of_program("chatbox", &built)?;
        let detail = format!(
            "images of {:.1} and {:.1} MB",
            operator.megabytes()?,
            chatbox.megabytes()?
        );
        images = Some((operator, chatbox));
        Ok(detail)
    })?;
    images.context("the step above returned")
}

/// Starts what is not running, all at once where nothing depends on another.
fn start(progress: &Progress, tools: Tools) -> Result<(Tools, Kubectl, Image)> {
    let state = State {
        checkout: paths::checkout().to_owned(),
        tools: tools.kubernetes.clone(),
    };
    let old = state::read();
    let alive = process::runs("etcd") && process::runs("containerd");
    if !alive || old.is_some_and(|old| old != state) {
        // Half a cluster, or one of other programs: begin on clean ground.
        down::clean(progress)?;
    }
    state::write(&state)?;
    let plane = Plane::new(
        Path::new(paths::DATA),
        &tools.kubernetes,
        ports::NODE,
        ports::CLUSTER,
    )?;
    let kubectl = publish(&plane)?;
    let pause = images::of_pause(&tools.pause)?;
    progress.step("API server answers", || {
        start_api(&plane, &kubectl, &pause).map(|()| String::new())
    })?;
    progress.step("node ready", || {
        start_node(&tools, &plane, &kubectl).map(|()| String::new())
    })?;
    Ok((tools, kubectl, pause))
}

/// What everything else stands on.
const BASE: [&str; 3] = ["etcd", "kube-apiserver", "containerd"];

fn start_api(plane: &Plane, kubectl: &Kubectl, pause: &Image) -> Result<()> {
    let logs = paths::logs();
    let dead = || part::dead_daemon(&BASE);
    network::ensure()?;
    for part in [
        plane.etcd(),
        plane.apiserver(),
        containerd::part(&pause.name())?,
    ] {
        part.start_daemon(&logs)?;
    }
    part::wait("containerd", PATIENCE, &logs, dead, || {
        containerd::is_ready().then_some(())
    })?;
    pause.import()?;
    part::wait("API server", PATIENCE, &logs, dead, || {
        kubectl.api_is_ready().then_some(())
    })
}

fn start_node(tools: &Tools, plane: &Plane, kubectl: &Kubectl) -> Result<()> {
    let logs = paths::logs();
    let parts = [
        plane.controllers(),
        plane.scheduler(),
        node::kubelet(&tools.kubernetes, &plane.pki)?,
        node::proxy(&tools.kubernetes, &plane.pki),
    ];
    for part in &parts {
        part.start_daemon(&logs)?;
    }
    let ours = parts.iter().map(|part| part.name);
    let names: Vec<&'static str> = BASE.into_iter().chain(ours).collect();
    part::wait(
        "node",
        PATIENCE,
        &logs,
        || part::dead_daemon(&names),
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
    let from = plane.pki.kubeconfig("admin");
    let to = paths::kubeconfig();
    fs::create_dir_all(paths::public())?;
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
