//! After a cluster nothing is left on the machine.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use cluster::{paths, processes};

/// What the host would still show of a node.
pub(crate) fn none() -> Result<()> {
    ensure!(!processes::any(), "processes are left");
    for dir in [paths::RUN, paths::DATA] {
        ensure!(!Path::new(dir).exists(), "{dir} is left");
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        ensure!(!mounts.contains(dir), "mounts are left:\n{mounts}");
    }
    let interfaces = names("/sys/class/net")?;
    ensure!(
        !interfaces.iter().any(|name| name.starts_with("chatbox")),
        "interfaces are left: {interfaces:?}"
    );
    for hierarchy in names("/sys/fs/cgroup")?
        .iter()
        .map(String::as_str)
        .chain([""])
    {
        let groups = Path::new("/sys/fs/cgroup").join(hierarchy).join("kubepods");
        ensure!(!groups.exists(), "{} is left", groups.display());
    }
    Ok(())
}

fn names(dir: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).with_context(|| dir.to_owned())?;
    let names = entries.flatten().map(|entry| entry.file_name());
    Ok(names
        .map(|name| name.to_string_lossy().into_owned())
        .collect())
}
