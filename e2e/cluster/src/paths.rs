//! Where the cluster's files lie.
//!
//! There is one cluster a machine, because the groups of its pods have no namespace. Its data and its
//! sockets lie in two fixed short folders: a unix socket's path may have 107 bytes, and a checkout may lie deep.

use std::path::PathBuf;

use builder::paths::public;

/// Data of the running cluster: etcd, containerd, kubelet. `down` removes it.
pub const DATA: &str = "/var/lib/chatbox-cluster";

/// Sockets and mounts of the running cluster. `down` removes it.
pub const RUN: &str = "/run/chatbox-cluster";

pub fn kubeconfig() -> PathBuf {
    public().join("kubeconfig")
}

pub fn logs() -> PathBuf {
    public().join("logs")
}
