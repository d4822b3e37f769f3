//! What programs leave on a machine when they are killed: mounts, interfaces, sockets, cgroups, links to logs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use builder::command::{run, succeeds};
use serde_json::Value;

use crate::{
    node::{containerd, network},
    paths,
};

/// Rounds of unmounting: a mount that is covered by another shows up only after that one is gone.
const ROUNDS: usize = 5;

/// Unmounts everything below our folders and returns how many mounts there were.
pub(super) fn unmount_all() -> Result<usize> {
    let mut count = 0;
    for _ in 0..ROUNDS {
        let points = mount_points(&fs::read_to_string("/proc/self/mountinfo")?);
        if points.is_empty() {
            return Ok(count);
        }
        count += points.len();
        for point in points.iter().rev() {
            // Lazily if need be: nobody uses it any more, every process of ours is gone.
            let _ = succeeds(Command::new("umount").arg(point))
                || succeeds(Command::new("umount").arg("--lazy").arg(point));
        }
    }
    let left = mount_points(&fs::read_to_string("/proc/self/mountinfo")?);
    if left.is_empty() {
        Ok(count)
    } else {
        bail!("cannot unmount {}", left.join(", "))
    }
}

/// Mount points below our folders, in the order in which they were mounted.
fn mount_points(mountinfo: &str) -> Vec<String> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    points
        .filter(|point| {
            [paths::DATA, paths::RUN]
                .iter()
                .any(|dir| Path::new(point).starts_with(dir))
        })
        .map(ToOwned::to_owned)
        .collect()
}

/// Removes the bridge and the interfaces that hang on it.
pub(super) fn remove_links() -> Result<usize> {
    if !Path::new("/sys/class/net").join(network::BRIDGE).exists() {
        return Ok(0);
    }
    let members: Value = serde_json::from_str(&run(Command::new("ip").args([
        "-json",
        "link",
        "show",
        "master",
        network::BRIDGE,
    ]))?)?;
    let names = members
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|link| link["ifname"].as_str());
    let names: Vec<&str> = names.chain([network::BRIDGE]).collect();
    for name in &names {
        run(Command::new("ip").args(["link", "delete", name]))?;
    }
    Ok(names.len())
}

/// Sockets of shims, which lie in a folder shared with every containerd of the machine.
pub(super) fn shim_sockets() -> Vec<PathBuf> {
    let bundles = Path::new(containerd::RUN).join("io.containerd.runtime.v2.task/k8s.io");
    let bundles = fs::read_dir(bundles).into_iter().flatten().flatten();
    let addresses =
        bundles.filter_map(|bundle| fs::read_to_string(bundle.path().join("address")).ok());
    addresses
        .filter_map(|address| address.trim().strip_prefix("unix://").map(PathBuf::from))
        .collect()
}

pub(super) fn remove_files(files: &[PathBuf]) {
    for file in files {
        let _ = fs::remove_file(file);
    }
}

/// Removes what lies outside our folders; nothing of it does harm, so nothing of it can fail.
pub(super) fn remove_traces() {
    for link in entries("/var/log/containers") {
        if fs::read_link(&link).is_ok_and(|target| target.starts_with(paths::DATA))
            || fs::read_link(&link).is_ok_and(|target| !target.exists())
        {
            let _ = fs::remove_file(link);
        }
    }
    for result in entries("/var/lib/cni/results") {
        if result.file_name().is_some_and(|name| {
            name.to_string_lossy()
                .starts_with(&format!("{}-", network::NAME))
        }) {
            let _ = fs::remove_file(result);
        }
    }
    for hierarchy in entries("/sys/fs/cgroup")
        .into_iter()
        .chain([PathBuf::from("/sys/fs/cgroup")])
    {
        remove_cgroups(&hierarchy.join("kubepods"));
    }
}

/// A cgroup can be removed when it holds no process and no other cgroup; the kernel refuses everything else.
fn remove_cgroups(dir: &Path) {
    for child in fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
    {
        remove_cgroups(&child.path());
    }
    let _ = fs::remove_dir(dir);
}

fn entries(dir: &str) -> Vec<PathBuf> {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_below_our_folders_are_taken() {
        let mountinfo = "22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            30 22 0:5 / /run/chatbox-cluster/containerd/a rw - overlay overlay rw\n\
            31 22 0:6 / /run/chatbox-cluster-other rw - tmpfs tmpfs rw\n\
            32 22 0:7 / /var/lib/chatbox-cluster/kubelet/pods/x rw - tmpfs tmpfs rw\n";
        assert_eq!(
            mount_points(mountinfo),
            [
                "/run/chatbox-cluster/containerd/a",
                "/var/lib/chatbox-cluster/kubelet/pods/x"
            ]
        );
    }
}
