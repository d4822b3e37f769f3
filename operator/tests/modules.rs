//! The rooms that decide cannot act: they know neither the cluster nor the time nor chance.

use std::path::{Path, PathBuf};

const PURE: [&str; 10] = [
    "observed",
    "validate",
    "plan",
    "diff",
    "cache/cached_object",
    "cache/managed_fields",
    "status/failure_threshold",
    "status/progress",
    "cache/statuses",
    "status/conditions",
];
const FORBIDDEN: [&str; 12] = [
    "kube::Client",
    "kube::Api",
    "kube::api",
    "kube::client",
    "kube::runtime",
    "tokio",
    "crate::observe::",
    "crate::apply",
    "crate::context",
    "Timestamp::now",
    "Instant",
    "rand::",
];

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
    }
    for entry in path.read_dir().into_iter().flatten().flatten() {
        files(&entry.path(), found);
    }
}

#[test]
fn what_decides_cannot_act() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in PURE {
        let mut found = Vec::new();
        files(&source.join(format!("{room}.rs")), &mut found);
        assert!(!found.is_empty(), "{room} is gone; take it out of the list");
        files(&source.join(room), &mut found);
        for file in found
            .iter()
            .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        {
            let text = std::fs::read_to_string(file).unwrap();
            for word in FORBIDDEN {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}
