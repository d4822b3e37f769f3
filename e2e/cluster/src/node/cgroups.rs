//! The groups that the kubelet makes for pods. They belong to the machine, not to a namespace, and stay when it ends.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long the kernel may count a process that has ended to its group.
const SETTLE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// Removes those that hold no process. The kernel refuses everything else.
pub fn remove() {
    let begun = Instant::now();
    for root in roots() {
        while !remove_tree(&root) && begun.elapsed() < SETTLE {
            thread::sleep(PAUSE);
        }
    }
}

/// One hierarchy for everything, or one for each kind of resource.
fn roots() -> Vec<PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root).into_iter().flatten().flatten();
    let parents = hierarchies.map(|hierarchy| hierarchy.path());
    let parents = parents.chain([root.to_owned()]);
    parents.map(|parent| parent.join("kubepods")).collect()
}

/// Whether nothing of it is left.
fn remove_tree(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for child in entries.filter(|entry| entry.path().is_dir()) {
        remove_tree(&child.path());
    }
    fs::remove_dir(dir).is_ok() || !dir.exists()
}
