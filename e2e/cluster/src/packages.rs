//! Debian packages that the cluster stands on.

use std::path::{Path, PathBuf};

use anyhow::Result;
use builder::packages::{self, Package};

/// Where distributions put the CNI plugins.
const CNI: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];

const CLUSTER: [Package; 8] = [
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables-save"),
    ("iproute2", "ip"),
    ("buildah", "buildah"),
    ("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
    ("slirp4netns", "slirp4netns"),
    ("util-linux", "unshare"),
];

/// Installs what the cluster needs and is missing. Returns the names of what was installed.
pub fn ensure() -> Result<Vec<&'static str>> {
    let mut missing = packages::missing(&CLUSTER);
    if cni_plugins().is_none() {
        missing.push("containernetworking-plugins");
    }
    packages::install(missing)
}

/// The folder with the CNI plugins.
pub fn cni_plugins() -> Option<PathBuf> {
    CNI.iter()
        .map(Path::new)
        .find(|dir| dir.join("bridge").exists())
        .map(Path::to_owned)
}
