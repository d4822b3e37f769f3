//! Where everything lies.
//!
//! There is one cluster a machine, because it owns a bridge, a pod network and iptables chains. Its data and its
//! sockets lie in two fixed short folders: a unix socket's path may have 107 bytes, and a checkout may lie deep.
//! What a person looks at (kubeconfig, logs, kubectl) lies in the checkout below `target/cluster`.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Data of the running cluster: etcd, containerd, kubelet. `down` removes it.
pub const DATA: &str = "/var/lib/chatbox-cluster";

/// Sockets and mounts of the running cluster. `down` removes it.
pub const RUN: &str = "/run/chatbox-cluster";

/// The checkout that this crate was built from.
pub fn checkout() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// What a person looks at.
pub fn public() -> PathBuf {
    checkout().join("target/cluster")
}

pub fn kubeconfig() -> PathBuf {
    public().join("kubeconfig")
}

pub fn logs() -> PathBuf {
    public().join("logs")
}

/// Commands for a person: kubectl and helm.
pub fn bin() -> PathBuf {
    public().join("bin")
}

/// Where cargo puts what it builds for this checkout.
pub fn cargo_target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from)
}

/// What is built once and outlives the checkout.
pub fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => {
            PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
                .join(".cache")
        }
    };
    Ok(base.join("chatbox/tools"))
}
