//! The operator's process.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use control_plane::kubectl::Kubectl;
use control_plane::world::World;
use control_plane::{ControlPlane, helper};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

pub(crate) const IMAGE: &str = "registry.example/chatbox:0.1.0";

/// Installs what every scenario needs: the definition and the rights.
pub(crate) fn install(plane: &ControlPlane) -> Result<()> {
    let world = World::new(plane.kubectl(), "install")?;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for file in ["crds/chatbox.yaml", "operator/rbac.yaml"] {
        let path = format!("{root}/{file}");
        world
            .cluster()
            .run(&["apply", "--server-side", "--filename", &path])?;
    }
    let wait = [
        "wait",
        "--for=condition=Established",
        "crd/chatboxes.chatbox.dev",
        "--timeout=60s",
    ];
    world.cluster().run(&wait)?;
    Ok(())
}

/// An operator that watches the namespace of one scenario. Dropping it kills it.
pub(crate) struct Operator {
    child: Child,
    address: String,
    kubeconfig: PathBuf,
}

impl Operator {
    /// Starts one, and waits until it has reconciled every Chatbox.
    pub(crate) fn start(world: &World<'_>) -> Result<Self> {
        Self::start_with(world, IMAGE)
    }

    pub(crate) fn start_with(world: &World<'_>, image: &str) -> Result<Self> {
        Self::start_with_args(world, &[&format!("--chatbox-image={image}")])
    }

    pub(crate) fn start_with_args(world: &World<'_>, args: &[&str]) -> Result<Self> {
        Self::start_with_role(world, args, "chatbox-operator")
    }

    /// With the rights of this ClusterRole.
    pub(crate) fn start_with_role(world: &World<'_>, args: &[&str], role: &str) -> Result<Self> {
        let kubeconfig = kubeconfig(world, role)?;
        let mut child = helper(Path::new(env!("CARGO_BIN_EXE_chatbox-operator")))
            .args([
                "run",
                "--listen=127.0.0.1:0",
                "--log=info",
                "--log-format=json",
            ])
            .arg(format!("--namespace={}", world.namespace()))
            .args(args)
            .env("KUBECONFIG", &kubeconfig)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().context("no log")?);
        let address = address(&mut log)?;
        // Read on, or it would wait for a reader some day.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        let operator = Self {
            child,
            address,
            kubeconfig,
        };
        world.wait_for("the operator is ready", || {
            Ok((operator.get("/readyz")? == "ok").then_some(()))
        })?;
        let count = u64::try_from(world.list("chatboxes")?.len())?;
        world.wait_for("the operator has reconciled every Chatbox", || {
            Ok((operator.reconciles()? >= count).then_some(()))
        })?;
        Ok(operator)
    }

    /// How many reconciles it has made.
    pub(crate) fn reconciles(&self) -> Result<u64> {
        self.sum("chatbox_operator_reconciles_total")
    }

    /// How many writes it has sent.
    pub(crate) fn writes(&self) -> Result<u64> {
        self.sum("chatbox_operator_writes_total")
    }

    /// How many requests it has sent, apart from watches that it has begun.
    pub(crate) fn requests(&self) -> Result<u64> {
        let watches = self.sum("chatbox_operator_requests_total{method=\"WATCH\"}")?;
        Ok(self.sum("chatbox_operator_requests_total")? - watches)
    }

    fn sum(&self, name: &str) -> Result<u64> {
        let text = self.get("/metrics")?;
        let samples = text.lines().filter(|line| line.starts_with(name));
        let values = samples.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(values.sum())
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").context("no answer")?.1;
        Ok(body.to_owned())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

/// Runs what a test does by itself, without the program.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(future)
}

/// A client of an admin.
pub(crate) async fn client(world: &World<'_>) -> Result<Client> {
    client_as(world, None).await
}

/// A client of an account, or else of an admin.
pub(crate) async fn client_as(world: &World<'_>, account: Option<&str>) -> Result<Client> {
    // Several TLS providers are linked into the tests; the first one that is chosen stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let kubeconfig = Kubeconfig::read_from(world.cluster().kubeconfig())?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    if let Some(account) = account {
        config.auth_info.impersonate = Some(account.to_owned());
        config.auth_info.impersonate_groups = Some(vec!["system:authenticated".to_owned()]);
    }
    Ok(Client::try_from(config)?)
}

/// A kubeconfig of an account that may do what a ClusterRole says, as that of `operator/rbac.yaml`, in its own namespace.
fn kubeconfig(world: &World<'_>, role: &str) -> Result<PathBuf> {
    let cluster: &Kubectl = world.cluster();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "operator"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": world.namespace()}],
    });
    world.apply(&binding)?;
    world.apply(
        &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator"}}),
    )?;
    let token = world.kubectl(&["create", "token", "operator"])?;
    let text = cluster.run(&[
        "config",
        "view",
        "--raw",
        "--minify",
        "--flatten",
        "--output=json",
    ])?;
    let mut config: Value = serde_json::from_str(&text)?;
    config["users"][0]["user"] = json!({"token": token.trim()});
    let path = std::env::temp_dir().join(format!("{}.kubeconfig", world.namespace()));
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

/// Where it listens: it says so when it has started.
fn address(log: &mut impl BufRead) -> Result<String> {
    for line in log.lines() {
        let entry: Value = serde_json::from_str(&line?)?;
        if let Some(address) = entry["listen"].as_str() {
            return Ok(address.to_owned());
        }
    }
    bail!("the operator ended before it listened")
}
