//! containerd with folders, socket and images of its own, beside any other one on the machine.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use builder::{
    command::{helper, run, succeeds},
    images::Image,
};
use control_plane::component::Component;

use super::{data, write};
use crate::packages;

pub(super) const SOCKET: &str = "/run/chatbox-cluster/containerd.sock";

/// Where containerd keeps what may vanish: mounts, network namespaces, bundles of running tasks.
const RUN: &str = "/run/chatbox-cluster/containerd";

/// containerd, its configuration written. `sandbox` is the image that holds a pod's namespaces open.
pub(super) fn component(sandbox: &str) -> Result<Component> {
    let config = data("containerd.toml");
    let plugins = packages::cni_plugins().context("the CNI plugins are not installed")?;
    let text = format!(
        r#"version = 2
root = "{root}"
state = "{RUN}"
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{sandbox}"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  # In a container, root may lack the right to lower a process's score below its own.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{cni}"
"#,
        root = data("containerd").display(),
        plugins = plugins.display(),
        cni = data("cni").display(),
    );
    write(&config, &text)?;
    Ok(Component {
        name: "containerd",
        program: PathBuf::from("containerd"),
        args: vec!["--config".into(), config.display().to_string()],
    })
}

/// containerd's own command line, in the namespace of Kubernetes.
fn ctr(args: &[&str]) -> Command {
    let mut command = helper("ctr");
    command
        .args(["--address", SOCKET, "--namespace", "k8s.io"])
        .args(args);
    command
}

pub(super) fn is_ready() -> bool {
    Path::new(SOCKET).exists() && succeeds(&mut ctr(&["version"]))
}

/// Imports an image if containerd does not have it. Returns whether it was imported.
pub fn import(image: &Image) -> Result<bool> {
    let names = run(&mut ctr(&["images", "ls", "--quiet"]))?;
    if names.lines().any(|name| name == image.name()) {
        return Ok(false);
    }
    run(ctr(&["images", "import"]).arg(image.archive()))?;
    Ok(true)
}
