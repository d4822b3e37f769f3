//! The one node: a bridge for the pods, containerd, kubelet and kube-proxy.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use control_plane::{
    component::Component, credentials::Credentials, kubectl::Kubectl, plane::NODE,
};

use crate::{
    daemons, paths,
    ports::{KUBELET, PROXY_HEALTH, PROXY_METRICS},
};

pub mod containerd;
pub mod network;

/// Name of the node.
pub const NAME: &str = "node1";

/// A folder of the node's data.
pub fn data(name: &str) -> PathBuf {
    Path::new(paths::DATA).join(name)
}

/// The kubelet, its configuration written.
pub fn kubelet(tools: &Path, credentials: &Credentials) -> Result<Component> {
    let config = data("kubelet.json");
    write(&config, &kubelet_config(credentials).to_string())?;
    Ok(Component {
        name: "kubelet",
        program: tools.join("kubelet"),
        args: vec![
            format!("--config={}", config.display()),
            format!(
                "--kubeconfig={}",
                credentials.kubeconfig("system:node:node1").display()
            ),
            format!("--root-dir={}", data("kubelet").display()),
            format!("--hostname-override={NAME}"),
            format!("--node-ip={NODE}"),
        ],
    })
}

fn kubelet_config(credentials: &Credentials) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE,
        "port": KUBELET,
        "healthzPort": 0,
        "tlsCertFile": credentials.file("kubelet.crt"),
        "tlsPrivateKeyFile": credentials.file("kubelet.key"),
        "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": false}, "x509": {"clientCAFile": credentials.file("ca.crt")}},
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": format!("unix://{}", containerd::SOCKET),
        "cgroupDriver": "cgroupfs",
        "failSwapOn": false,
        "failCgroupV1": false,
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
        // This machine is somebody's desk: pods are not evicted because its disk is nearly full.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "makeIPTablesUtilChains": false,
        // There is no DNS in this cluster: pods ask whom this machine asks.
        "resolvConf": resolver(),
        "podLogsDir": data("pod-logs"),
        "volumePluginDir": data("volume-plugins"),
        "nodeStatusUpdateFrequency": "2s",
        "shutdownGracePeriod": "0s",
    })
}

/// The list of name servers that pods get; empty when this machine has none.
///
/// systemd's own list comes first: the common one then names a resolver on 127.0.0.53, where a pod has nobody.
fn resolver() -> &'static str {
    ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"]
        .into_iter()
        .find(|file| Path::new(file).exists())
        .unwrap_or_default()
}

/// kube-proxy: makes Services answer; those of type `NodePort` on 127.0.0.1 alone.
pub fn proxy(tools: &Path, credentials: &Credentials) -> Component {
    Component {
        name: "kube-proxy",
        program: tools.join("kube-proxy"),
        args: vec![
            format!(
                "--kubeconfig={}",
                credentials.kubeconfig("system:kube-proxy").display()
            ),
            format!("--hostname-override={NAME}"),
            "--proxy-mode=iptables".into(),
            format!("--cluster-cidr={}", network::PODS),
            "--nodeport-addresses=127.0.0.0/8".into(),
            "--conntrack-max-per-core=0".into(),
            "--iptables-min-sync-period=100ms".into(),
            format!("--healthz-bind-address=127.0.0.1:{PROXY_HEALTH}"),
            format!("--metrics-bind-address=127.0.0.1:{PROXY_METRICS}"),
        ],
    }
}

/// Takes every pod away as long as the kubelet can do it in order; best effort, what is left is ended by force.
pub fn delete_pods(kubectl: &Kubectl, limit: Duration) {
    let able = ["kubelet", "containerd", "kube-apiserver", "etcd"]
        .iter()
        .all(|name| daemons::runs(name));
    if !able {
        return;
    }
    let timeout = format!("--timeout={}s", limit.as_secs());
    kubectl.succeeds(&[
        "delete",
        "pods",
        "--all",
        "--all-namespaces",
        "--grace-period=2",
        &timeout,
        "--request-timeout=10s",
    ]);
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
