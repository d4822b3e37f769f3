//! The operator's chart, rendered without a cluster.

use std::process::Command;

use anyhow::{Result, ensure};
use builder::{command::run, paths, progress::Progress, tools};

/// Where the release goes; the operator may watch another namespace.
const HOME: &str = "chatbox-system";

fn render(values: &[&str]) -> Result<String> {
    let mut helm = Command::new(tools::helm(&Progress::begin())?);
    helm.args(["template", "chatbox-operator"])
        .arg(paths::checkout().join("charts/chatbox-operator"))
        .args(["--namespace", HOME, "--kube-version", "1.34.0"]);
    for value in values {
        helm.args(["--set", value]);
    }
    run(&mut helm)
}

/// Kind and namespace of each document; a namespace is empty where there is none.
fn objects(rendered: &str) -> Vec<(&str, &str)> {
    rendered
        .split("\n---\n")
        .filter_map(|document| {
            let find = |prefix: &str| document.lines().find_map(|line| line.strip_prefix(prefix));
            Some((find("kind: ")?, find("  namespace: ").unwrap_or_default()))
        })
        .collect()
}

#[test]
fn one_namespace_is_watched_with_a_role_there() -> Result<()> {
    let rendered = render(&["watchNamespace=shop"])?;
    let expected = [
        ("ServiceAccount", HOME),
        ("Role", "shop"),
        ("RoleBinding", "shop"),
        ("Deployment", HOME),
    ];
    ensure!(objects(&rendered) == expected, "{rendered}");
    ensure!(
        rendered.contains("- name: CHATBOX_NAMESPACE\n              value: \"shop\"\n"),
        "the operator does not get its namespace:\n{rendered}"
    );
    // The account that gets the role stays where the operator runs.
    let subject = format!(
        "subjects:\n  - kind: ServiceAccount\n    name: chatbox-operator\n    namespace: {HOME}\n"
    );
    ensure!(rendered.contains(&subject), "{rendered}");
    Ok(())
}

#[test]
fn every_namespace_is_watched_with_a_cluster_role() -> Result<()> {
    let rendered = render(&[])?;
    let expected = [
        ("ServiceAccount", HOME),
        ("ClusterRole", ""),
        ("ClusterRoleBinding", ""),
        ("Deployment", HOME),
    ];
    ensure!(objects(&rendered) == expected, "{rendered}");
    ensure!(!rendered.contains("CHATBOX_NAMESPACE"), "{rendered}");
    Ok(())
}

#[test]
fn a_wrong_value_is_refused_by_its_name() -> Result<()> {
    for (value, words) in [
        ("watchNamespace=Shop", "'/watchNamespace'"),
        ("image.pullPolicy=Sometimes", "'/image/pullPolicy'"),
        ("logLevel=", "'/logLevel'"),
        ("replicas=2", "'replicas' not allowed"),
    ] {
        let Err(error) = render(&[value]) else {
            anyhow::bail!("the chart takes {value}");
        };
        let error = error.to_string();
        ensure!(error.contains(words), "{value}: {error}");
    }
    Ok(())
}
