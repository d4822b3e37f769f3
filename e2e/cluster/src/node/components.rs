//! kubelet and kube-proxy.

use std::path::Path;

use anyhow::Result;
use control_plane::{component::Component, credentials::Credentials, plane::NODE};
use serde_json::{Value, json};

use super::{NAME, containerd, data, network, write};

/// The kubelet, its configuration written.
pub(super) fn kubelet(tools: &Path, credentials: &Credentials) -> Result<Component> {
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
        "resolvConf": network::resolver(),
        "podLogsDir": data("pod-logs"),
        "volumePluginDir": data("volume-plugins"),
        "nodeStatusUpdateFrequency": "2s",
        "shutdownGracePeriod": "0s",
    })
}

/// kube-proxy: makes Services answer; those of type `NodePort` on 127.0.0.1 alone.
pub(super) fn proxy(tools: &Path, credentials: &Credentials) -> Component {
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
        ],
    }
}
