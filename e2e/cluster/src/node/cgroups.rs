//! The groups that the kubelet makes for pods. They belong to the machine, not to a namespace, and stay when it ends.

use std::{fs, path::Path};

/// Removes those that hold no process. The kernel refuses everything else.
pub fn remove() {
    let root = Path::new("/sys/fs/cgroup");
    // One hierarchy for everything, or one for each kind of resource.
    let hierarchies = fs::read_dir(root).into_iter().flatten().flatten();
    for hierarchy in hierarchies {
        remove_tree(&hierarchy.path().join("kubepods"));
    }
    remove_tree(&root.join("kubepods"));
}

fn remove_tree(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for child in entries.filter(|entry| entry.path().is_dir()) {
        remove_tree(&child.path());
    }
    let _ = fs::remove_dir(dir);
}
