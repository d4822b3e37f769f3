//! A control plane without a node: the only part of this crate that knows where it comes from.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use control_plane::ControlPlane;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::task::spawn_blocking;

/// etcd, API server and controllers, with the definition of Chatboxes. Dropping it ends them.
pub struct Cluster {
    pub client: Client,
    pub kubeconfig: PathBuf,
    _plane: ControlPlane,
}

impl Cluster {
    /// Starts one. The definition is the one that `operator` prints.
    pub async fn start(operator: &Path) -> Result<Self> {
        let operator = operator.to_owned();
        let plane = spawn_blocking(move || -> Result<ControlPlane> {
            let plane = ControlPlane::start()?;
            let definition = print(&operator, &["crd"])?;
            plane
                .kubectl()
                .feed(&["apply", "--server-side", "--filename=-"], &definition)?;
            let wait = [
                "wait",
                "--for=condition=Established",
                "crd/chatboxes.chatbox.dev",
            ];
            plane.kubectl().run(&wait)?;
            Ok(plane)
        });
        let plane = plane.await??;
        let kubeconfig = plane.kubeconfig().to_owned();
        let read = Kubeconfig::read_from(&kubeconfig)?;
        let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await?;
        Ok(Self {
            client: Client::try_from(config)?,
            kubeconfig,
            _plane: plane,
        })
    }
}

/// What a program prints.
pub fn print(program: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} {} failed",
        program.display(),
        args.join(" ")
    );
    Ok(String::from_utf8(output.stdout)?)
}
