//! helm, and copies of the charts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use builder::command::run;
use builder::{paths, progress::Progress, tools};

/// Where the release goes; the operator may watch another namespace.
pub(crate) const HOME: &str = "chatbox-system";
pub(crate) const OPERATOR: &str = "chatbox-operator";
pub(crate) const CRDS: &str = "chatbox-crds";

pub(crate) fn helm(args: &[&str]) -> Result<String> {
    run(Command::new(tools::helm(&Progress::begin())?).args(args))
}

/// The folder of a chart in this checkout.
pub(crate) fn chart(name: &str) -> PathBuf {
    paths::checkout().join("charts").join(name)
}

/// Renders a chart, from wherever it lies, with `--set` values.
pub(crate) fn render_chart(chart: &Path, release: &str, values: &[&str]) -> Result<String> {
    let chart = chart.to_str().context("not UTF-8")?;
    let mut args = vec![
        "template",
        release,
        chart,
        "--namespace",
        HOME,
        "--kube-version",
        "1.34.0",
    ];
    for value in values {
        args.extend(["--set", value]);
    }
    helm(&args)
}

/// Renders the chart of the operator.
pub(crate) fn render(values: &[&str]) -> Result<String> {
    render_chart(&chart(OPERATOR), OPERATOR, values)
}

/// Copies files and folders, and nothing else: as what packs sources may leave links out.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Kind and namespace of each document; a namespace is empty where there is none.
pub(crate) fn objects(rendered: &str) -> Vec<(&str, &str)> {
    rendered
        .split("\n---\n")
        .filter_map(|document| {
            let find = |prefix: &str| document.lines().find_map(|line| line.strip_prefix(prefix));
            Some((find("kind: ")?, find("  namespace: ").unwrap_or_default()))
        })
        .collect()
}
