//! Debian packages: which are missing, and how they are installed.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Result, bail};

use crate::command::run;

/// A package, and the program or the file, by its whole path, that tells whether it is there.
pub type Package = (&'static str, &'static str);

/// Installs those packages that are missing. Returns their names.
pub fn ensure(packages: &[Package]) -> Result<Vec<&'static str>> {
    install(missing(packages))
}

/// Names of the packages that are missing.
pub fn missing(packages: &[Package]) -> Vec<&'static str> {
    packages
        .iter()
        .filter(|(_, program)| find(program).is_none())
        .map(|(package, _)| *package)
        .collect()
}

/// Where a program lies, or the file itself if its whole path is given. The folders of root's programs are searched even if
/// PATH lacks them.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let extra = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(extra)
        .map(|dir| dir.join(program))
        .find(|file| fs::metadata(file).is_ok_and(|found| found.is_file()))
}

/// Whether this process may do what only root may.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Installs packages and returns their names.
pub fn install(packages: Vec<&'static str>) -> Result<Vec<&'static str>> {
    if packages.is_empty() {
        return Ok(packages);
    }
    if !is_root() || find("apt-get").is_none() {
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

/// Not marked as ours: `make down` must not kill a package manager in the middle of its work.
fn apt(verb: &[&str], packages: &[&str]) -> Result<String> {
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(verb)
        .args(packages))
}
