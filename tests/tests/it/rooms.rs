//! The arrows between the rooms of the two programs go one way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of the server, from the top down, and the rooms that it may use: each of them stands further down. A room
/// that is missing here may not exist.
const CHATBOX: [(&str, &[&str]); 22] = [
    ("lib", &[]),
    ("main", &["args"]),
    ("args", &["app", "auth", "clock", "telemetry"]),
    (
        "app",
        &[
            "auth",
            "bus",
            "http",
            "lifecycle",
            "limits",
            "llm",
            "metrics",
            "serve",
            "state",
            "store",
            "turn",
        ],
    ),
    (
        "http",
        &[
            "auth", "chat", "clock", "error", "limits", "socket", "state", "store",
        ],
    ),
    (
        "socket",
        &[
            "auth", "bus", "chat", "clock", "state", "store", "turn", "wire",
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
            "store",
            "turn",
            "wire",
        ],
    ),
    ("error", &["store"]),
    ("auth", &["clock", "secrets"]),
    ("limits", &[]),
    ("serve", &[]),
    ("wire", &["chat"]),
    (
        "turn",
        &[
            "bus",
            "chat",
            "clock",
            "lifecycle",
            "llm",
            "metrics",
            "store",
        ],
    ),
    ("llm", &["chat", "secrets"]),
    ("bus", &["chat"]),
    ("store", &["chat"]),
    ("lifecycle", &[]),
    ("metrics", &[]),
    ("secrets", &[]),
    ("telemetry", &[]),
    ("clock", &[]),
    ("chat", &[]),
];

/// Crates that must not appear in a room, because it is pure.
const PURE: [(&str, &[&str]); 2] = [
    ("chat", &["tokio", "axum", "rusqlite", "reqwest"]),
    ("wire", &["tokio", "axum", "rusqlite", "reqwest"]),
];

#[test]
fn the_rooms_of_the_server_use_only_those_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chatbox/src");
    let allowed: BTreeMap<_, _> = CHATBOX.into_iter().collect();
    for file in sources(&root) {
        let room = room(&root, &file);
        let may = allowed
            .get(room.as_str())
            .unwrap_or_else(|| panic!("room {room} is not in the table"));
        let text = fs::read_to_string(&file).unwrap();
        for used in uses(&text) {
            let known = used == room || may.contains(&used.as_str());
            assert!(
                known,
                "{} uses `{used}`, which room `{room}` may not",
                file.display()
            );
        }
        for (pure, foreign) in PURE {
            for name in foreign.iter().filter(|_| room == pure) {
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
fn no_arrow_of_the_table_points_upwards() {
    for (place, (room, below)) in CHATBOX.iter().enumerate() {
        for used in *below {
            let found = CHATBOX.iter().position(|(name, _)| name == used);
            assert!(
                found.is_some_and(|found| found > place),
                "{room} stands below {used}"
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
fn room(root: &Path, file: &Path) -> String {
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

/// The rooms that a file names behind `crate::`, outside of its tests.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let name = |rest: &str| {
        rest.chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect()
    };
    code.split("crate::").skip(1).map(name).collect()
}

#[test]
fn the_reader_of_uses_reads() {
    assert_eq!(
        uses(
            "use crate::chat::Message;\nfn f() { crate::clock::now() }\n#[cfg(test)]\nuse crate::x;"
        ),
        ["chat", "clock"]
    );
}
