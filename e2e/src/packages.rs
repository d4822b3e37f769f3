//! Debian packages that the cluster stands on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{
    command::{run, succeeds},
    process,
};

/// Where distributions put the CNI plugins.
const CNI: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];

/// A package, and the program that tells whether it is there.
const CLUSTER: [(&str, &str); 7] = [
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables-save"),
    ("iproute2", "ip"),
    ("buildah", "buildah"),
    ("openssl", "openssl"),
    ("util-linux", "setsid"),
];
const CONTROL_PLANE: [(&str, &str); 2] = [("openssl", "openssl"), ("util-linux", "setpriv")];
const BROWSER: [(&str, &str); 1] = [("chromium", "chromium")];

/// Installs what the cluster needs and is missing. Returns the names of what was installed.
pub fn ensure_cluster() -> Result<Vec<&'static str>> {
    let mut missing = missing(&CLUSTER);
    if cni_plugins().is_none() {
        missing.push("containernetworking-plugins");
    }
    if !Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        missing.push("ca-certificates");
    }
    install(missing)
}

/// Installs what a control plane without a node needs and is missing.
pub fn ensure_control_plane() -> Result<()> {
    install(missing(&CONTROL_PLANE)).map(drop)
}

/// Installs what an environment of Python is made with; Debian's python3 lacks it.
pub fn ensure_python() -> Result<()> {
    let able = succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]));
    install(if able { vec![] } else { vec!["python3-venv"] }).map(drop)
}

/// Installs the browser of the stories.
pub fn ensure_browser() -> Result<Vec<&'static str>> {
    install(missing(&BROWSER))
}

/// The folder with the CNI plugins.
pub fn cni_plugins() -> Option<PathBuf> {
    CNI.iter()
        .map(PathBuf::from)
        .find(|dir| dir.join("bridge").exists())
}

/// Where a program lies; the folders of root's programs are looked into even if PATH lacks them.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let extra = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(extra)
        .map(|dir| dir.join(program))
        .find(|file| fs::metadata(file).is_ok_and(|found| found.is_file()))
}

fn missing(table: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    table
        .iter()
        .filter(|(_, program)| find(program).is_none())
        .map(|(package, _)| *package)
        .collect()
}

fn install(packages: Vec<&'static str>) -> Result<Vec<&'static str>> {
    if packages.is_empty() {
        return Ok(packages);
    }
    if !process::is_root() || find("apt-get").is_none() {
        bail!(
            "missing on this machine: {}; install them as root (only `apt-get` is tried by itself)",
            packages.join(", ")
        );
    }
    if apt(&["install", "--yes", "--no-install-recommends"], &packages).is_err() {
        // The usual reason on a fresh machine: there is no list of packages yet.
        apt(&["update"], &[])?;
        apt(&["install", "--yes", "--no-install-recommends"], &packages)?;
    }
    Ok(packages)
}

/// Not marked as ours: `down` must not kill a package manager in the middle of its work.
fn apt(verb: &[&str], packages: &[&str]) -> Result<String> {
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(verb)
        .args(packages))
}
