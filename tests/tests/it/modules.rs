//! Dependencies between modules, and between crates, go one way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the server, from the top down, and the modules that it may use: each of them stands further down. A
/// module that is missing here may not exist.
const CHATBOX: [(&str, &[&str]); 26] = [
    ("lib", &[]),
    ("main", &["commands"]),
    (
        "commands",
        &[
            "app",
            "args",
            "auth",
            "clock",
            "config_file",
            "open_files",
            "signals",
            "store",
            "telemetry",
            "wire",
        ],
    ),
    ("args", &["telemetry"]),
    ("config_file", &["secrets"]),
    ("open_files", &[]),
    ("signals", &[]),
    (
        "app",
        &[
            "auth",
            "bus",
            "chat",
            "clock",
            "http",
            "lifecycle",
            "limits",
            "llm",
            "metrics",
            "old_clients",
            "state",
            "store",
            "supervisor",
            "turn",
        ],
    ),
    (
        "http",
        &[
            "auth", "chat", "clock", "limits", "socket", "state", "store",
        ],
    ),
    (
        "socket",
        &[
            "auth",
            "bus",
            "chat",
            "clock",
            "limits",
            "old_clients",
            "state",
            "store",
            "turn",
            "wire",
        ],
    ),
    (
        "state",
        &[
            "auth",
            "bus",
            "lifecycle",
            "limits",
            "llm",
            "metrics",
            "old_clients",
            "store",
            "turn",
            "wire",
        ],
    ),
    ("auth", &["chat", "clock", "secrets"]),
    ("old_clients", &["chat"]),
    ("wire", &["chat"]),
    (
        "turn",
        &[
            "bus",
            "chat",
            "clock",
            "lifecycle",
            "limits",
            "llm",
            "metrics",
            "store",
        ],
    ),
    ("llm", &["chat", "secrets"]),
    ("bus", &["chat"]),
    ("store", &["chat", "clock", "secrets"]),
    ("limits", &[]),
    ("lifecycle", &[]),
    ("supervisor", &[]),
    ("metrics", &[]),
    ("secrets", &[]),
    ("telemetry", &[]),
    ("clock", &[]),
    ("chat", &[]),
];

/// Crates that must not appear in a module, because it is pure.
const PURE: [(&str, &[&str]); 2] = [
    ("chat", &["tokio", "axum", "rusqlite", "reqwest"]),
    ("wire", &["tokio", "axum", "rusqlite", "reqwest"]),
];

#[test]
fn modules_of_the_server_use_only_those_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chatbox/src");
    let allowed: BTreeMap<_, _> = CHATBOX.into_iter().collect();
    for file in sources(&root) {
        let module = module(&root, &file);
        let may = allowed
            .get(module.as_str())
            .unwrap_or_else(|| panic!("module {module} is not in the table"));
        let text = fs::read_to_string(&file).unwrap();
        for used in uses(&text) {
            let known = used == module || may.contains(&used.as_str());
            assert!(
                known,
                "{} uses `{used}`, which module `{module}` may not",
                file.display()
            );
        }
        for (pure, foreign) in PURE {
            for name in foreign.iter().filter(|_| module == pure) {
                assert!(
                    !text.contains(&format!("{name}::")),
                    "{} is pure and uses {name}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn the_table_has_no_dependency_upwards() {
    for (place, (module, below)) in CHATBOX.iter().enumerate() {
        for used in *below {
            let found = CHATBOX.iter().position(|(name, _)| name == used);
            assert!(
                found.is_some_and(|found| found > place),
                "{module} stands below {used}"
            );
        }
    }
}

#[test]
fn the_programs_do_not_know_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (program, foreign) in [
        ("chatbox", "chatbox-operator"),
        ("operator", "chatbox ="),
        ("operator", "chatbox."),
    ] {
        let manifest = fs::read_to_string(root.join(program).join("Cargo.toml")).unwrap();
        let depends = manifest.lines().any(|line| line.starts_with(foreign));
        assert!(!depends, "{program} depends on {foreign}");
    }
    let server = fs::read_to_string(root.join("chatbox/Cargo.toml")).unwrap();
    assert!(!server.contains("kube"), "the server needs no cluster");
    let contract = fs::read_to_string(root.join("crds/Cargo.toml")).unwrap();
    for foreign in ["tokio", "axum", "reqwest"] {
        assert!(
            !contract.contains(foreign),
            "the contract needs no {foreign}"
        );
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files
}

/// The first part of the path below `src`.
fn module(root: &Path, file: &Path) -> String {
    let first = file
        .strip_prefix(root)
        .unwrap()
        .components()
        .next()
        .unwrap();
    first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The modules that a file names behind `crate::`, outside of its tests; also those in `crate::{…}`.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .flat_map(first_names)
        .collect()
}

fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut depth, mut names, mut start) = (0_u32, Vec::new(), 0);
    for (index, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[start..index]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[start..index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn names_behind_crate_are_found() {
    let text = "use crate::chat::Message;\nuse crate::{auth::{Caller, Keys}, wire, llm::{self},};\n\
        fn f() { crate::clock::now() }\n#[cfg(test)]\nuse crate::x;";
    assert_eq!(uses(text), ["chat", "auth", "wire", "llm", "clock"]);
}
