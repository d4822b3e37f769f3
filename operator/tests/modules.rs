//! The modules of the operator depend on each other in one direction, and those that decide cannot act.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module from the top down, and the modules that it may use: each of them stands further down. A file whose module
/// is missing here may not exist. `lib` declares the modules and uses none.
const MODULES: [(&str, &[&str]); 38] = [
    ("lib", &[]),
    ("main", &["args", "rbac", "render", "run"]),
    (
        "run",
        &[
            "args",
            "context",
            "controller",
            "health",
            "kind",
            "metrics",
            "restrictions",
            "telemetry",
        ],
    ),
    (
        "controller",
        &[
            "context",
            "error",
            "guarded",
            "kind",
            "namespaced_name",
            "reconcile",
            "stored",
        ],
    ),
    (
        "reconcile",
        &[
            "apply",
            "cache",
            "claim",
            "context",
            "diff",
            "error",
            "guarded",
            "kind",
            "metrics",
            "names",
            "observe",
            "plan",
            "retention",
            "status",
            "stored",
            "validate",
        ],
    ),
    (
        "apply",
        &[
            "cache",
            "context",
            "diff",
            "error",
            "exclusive",
            "kind",
            "names",
            "plan",
            "retention",
            "stored",
        ],
    ),
    ("exclusive", &["kind"]),
    (
        "retention",
        &["cache", "guarded", "kind", "names", "plan", "stored"],
    ),
    (
        "observe",
        &[
            "cache", "context", "error", "guarded", "kind", "names", "observed", "plan", "secrets",
            "stored", "validate",
        ],
    ),
    (
        "diff",
        &["cache", "error", "kind", "names", "plan", "stored"],
    ),
    (
        "status",
        &[
            "cache",
            "claim",
            "context",
            "error",
            "guarded",
            "kind",
            "names",
            "namespaced_name",
            "stored",
            "text",
            "validate",
        ],
    ),
    ("health", &["context", "kind"]),
    (
        "context",
        &[
            "backoff",
            "cache",
            "contest",
            "kind",
            "metrics",
            "restrictions",
        ],
    ),
    ("contest", &["cache", "lock"]),
    ("backoff", &["lock", "namespaced_name"]),
    (
        "error",
        &[
            "cache", "kind", "names", "plan", "stored", "text", "validate",
        ],
    ),
    (
        "cache",
        &[
            "claim",
            "guarded",
            "kind",
            "lock",
            "names",
            "namespaced_name",
            "secrets",
            "stored",
            "text",
        ],
    ),
    (
        "render",
        &["args", "guarded", "observed", "plan", "secrets", "validate"],
    ),
    ("plan", &["claim", "kind", "names", "quantity", "validate"]),
    (
        "validate",
        &[
            "claim", "identity", "names", "observed", "quantity", "secrets",
        ],
    ),
    ("observed", &["claim", "secrets"]),
    ("claim", &["quantity"]),
    ("secrets", &["hex", "names"]),
    ("guarded", &["identity", "namespaced_name", "stored"]),
    ("stored", &["namespaced_name"]),
    ("rbac", &["kind"]),
    ("telemetry", &["args"]),
    ("args", &[]),
    ("metrics", &["kind"]),
    ("kind", &[]),
    ("identity", &[]),
    ("names", &[]),
    ("namespaced_name", &[]),
    ("quantity", &[]),
    ("restrictions", &[]),
    ("text", &[]),
    ("hex", &[]),
    ("lock", &[]),
];

/// Modules and files that decide: they know neither the cluster nor the time nor chance.
const PURE: [&str; 22] = [
    "cache/answers",
    "cache/cached_object",
    "cache/managed_fields",
    "cache/namespaces",
    "cache/pod_failure",
    "cache/statuses",
    "claim",
    "diff",
    "exclusive",
    "identity",
    "kind",
    "names",
    "namespaced_name",
    "observed",
    "plan",
    "quantity",
    "restrictions",
    "retention",
    "secrets",
    "status/conditions",
    "status/progress",
    "validate",
];
const IMPURE: [&str; 11] = [
    "kube::Api",
    "kube::Client",
    "kube::api",
    "kube::client",
    "kube::runtime",
    "tokio::",
    "futures_util::",
    "Timestamp::now",
    "Instant",
    "SystemTime",
    "rand::",
];

#[test]
fn every_module_uses_only_those_below_it() {
    let allowed: BTreeMap<_, _> = MODULES.into_iter().collect();
    for file in sources() {
        let module = module(&file);
        let may = allowed
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{} is of no module in the table", file.display()));
        for used in uses(&code(&file)) {
            assert!(
                used == module || may.contains(&used.as_str()),
                "{} uses `{used}`, which `{module}` may not",
                file.display()
            );
        }
    }
}

#[test]
fn no_entry_of_the_table_points_upwards_or_is_unused() {
    let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources() {
        used.entry(module(&file))
            .or_default()
            .extend(uses(&code(&file)));
    }
    for (place, (module, below)) in MODULES.iter().enumerate() {
        for name in *below {
            let found = MODULES.iter().position(|(other, _)| other == name);
            assert!(
                found.is_some_and(|found| found > place),
                "{module} is not above {name}"
            );
            let is_used = used
                .get(*module)
                .is_some_and(|used| used.iter().any(|u| u == name));
            assert!(
                is_used,
                "{module} does not use {name}; take it out of the table"
            );
        }
    }
}

#[test]
fn what_decides_cannot_act() {
    for pure in PURE {
        let files: Vec<PathBuf> = sources()
            .into_iter()
            .filter(|file| {
                let path = path(file);
                path == pure || path.starts_with(&format!("{pure}/"))
            })
            .collect();
        assert!(!files.is_empty(), "{pure} is gone; take it out of the list");
        for file in files {
            let code = code(&file);
            for word in IMPURE {
                assert!(!code.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn uses_are_found_in_every_form() {
    let text =
        "use crate::plan::{self, Plan};\nuse crate::{apply, diff};\nfn f() { crate::names::app() }";
    assert_eq!(uses(text), ["plan", "apply", "diff", "names"]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file that is compiled into the program.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.retain(|file| !file.ends_with("tests.rs") && !file.ends_with("fixtures.rs"));
    files
}

/// The path below `src`, without `.rs`.
fn path(file: &Path) -> String {
    let path = file.strip_prefix(root()).unwrap().with_extension("");
    path.to_str().unwrap().to_owned()
}

/// The first part of the path below `src`.
fn module(file: &Path) -> String {
    path(file).split('/').next().unwrap().to_owned()
}

/// A file without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.to_owned()
}

/// The modules that a text names behind `crate::`, or behind `chatbox_operator::` in the program.
fn uses(text: &str) -> Vec<String> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let names = |rest: &str| match rest.strip_prefix('{') {
        Some(list) => {
            let list = list.split('}').next().unwrap();
            let names = list
                .split(',')
                .map(|item| item.trim().split("::").next().unwrap());
            names.map(str::to_owned).collect()
        }
        None => vec![rest.chars().take_while(|letter| is_name(*letter)).collect()],
    };
    let text = text.replace("chatbox_operator::", "crate::");
    text.split("crate::").skip(1).flat_map(names).collect()
}
