//! Dependencies between the crates that start a Kubernetes go one way.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use builder::{
    command::{helper, run},
    paths,
};
use serde_json::Value;

/// Each crate, and those of this repository that it may depend on, in its tests too. Each of them stands further down.
const CRATES: [(&str, &[&str]); 6] = [
    ("e2e", &["cluster", "control-plane", "builder", "browser"]),
    ("cluster", &["control-plane", "builder"]),
    ("control-plane", &["builder"]),
    ("local-server", &["chatbox", "builder"]),
    ("browser", &["builder"]),
    ("builder", &[]),
];

/// What the operator may depend on: never a node, and never what builds images.
const OPERATOR: [&str; 2] = ["control-plane", "crds"];

#[test]
fn dependencies_go_one_way() -> Result<()> {
    let found = dependencies()?;
    for (name, may) in CRATES
        .into_iter()
        .chain([("chatbox-operator", &OPERATOR[..])])
    {
        let uses = found
            .get(name)
            .with_context(|| format!("no crate {name}"))?;
        let may: BTreeSet<String> = may.iter().map(ToString::to_string).collect();
        let more: Vec<_> = uses.difference(&may).collect();
        ensure!(
            more.is_empty(),
            "{name} depends on {more:?}, which it may not"
        );
    }
    Ok(())
}

#[test]
fn no_direction_of_the_table_points_upwards() {
    for (place, (name, below)) in CRATES.iter().enumerate() {
        for used in *below {
            // A crate outside of the table, such as the server, stands below all of it.
            let found = CRATES.iter().position(|(name, _)| name == used);
            assert!(
                found.is_none_or(|found| found > place),
                "{name} stands below {used}"
            );
        }
    }
}

/// The crates of this repository, each with those that it depends on.
fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut cargo = helper(env!("CARGO"));
    cargo.current_dir(paths::checkout());
    let arguments = [
        "metadata",
        "--no-deps",
        "--offline",
        "--locked",
        "--format-version=1",
    ];
    let metadata: Value = serde_json::from_str(&run(cargo.args(arguments))?)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let is_ours = |dependency: &Value| dependency["path"].is_string();
    Ok(list(&metadata["packages"])
        .iter()
        .map(|package| {
            let uses = list(&package["dependencies"]);
            let uses = uses.iter().filter(|uses| is_ours(uses)).map(name).collect();
            (name(package), uses)
        })
        .collect())
}
