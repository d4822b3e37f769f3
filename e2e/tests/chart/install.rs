//! The charts on an API server: what helm remembers of a release before.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use control_plane::ControlPlane;
use serde_json::Value;

use crate::helm::{CRDS, OPERATOR, chart, copy, helm};

struct Cluster(ControlPlane);

impl Cluster {
    fn helm(&self, verb: &[&str], namespace: &str, chart: &Path, more: &[&str]) -> Result<String> {
        let kubeconfig = self.0.kubeconfig().to_str().context("not UTF-8")?;
        let chart = chart.to_str().context("not UTF-8")?;
        let common = ["--kubeconfig", kubeconfig, "--namespace", namespace];
        helm(&[verb, &[chart], &common, more].concat())
    }

    fn owner(&self) -> Result<Value> {
        self.annotation("meta.helm.sh/release-namespace")
    }

    /// One of the definition.
    fn annotation(&self, name: &str) -> Result<Value> {
        let definition = ["crd", "chatboxes.chatbox.dev"];
        let definition = self
            .0
            .kubectl()
            .get(&definition)?
            .context("no definition")?;
        Ok(definition["metadata"]["annotations"][name].clone())
    }
}

/// The definition is kept when its chart is uninstalled, and belongs to the release that is gone.
#[test]
fn the_definition_is_taken_up_by_a_release_elsewhere() -> Result<()> {
    let cluster = Cluster(ControlPlane::start()?);
    let crds = chart(CRDS);
    cluster.helm(&["install", CRDS], "first", &crds, &["--create-namespace"])?;
    let kubeconfig = cluster.0.kubeconfig().to_str().context("not UTF-8")?;
    helm(&[
        "uninstall",
        CRDS,
        "--kubeconfig",
        kubeconfig,
        "--namespace",
        "first",
    ])?;
    ensure!(cluster.owner()? == "first", "it was not kept");
    let refused = cluster.helm(&["install", CRDS], "second", &crds, &["--create-namespace"]);
    let refused = refused
        .err()
        .context("helm takes what belongs to another release")?;
    ensure!(
        refused
            .to_string()
            .contains("meta.helm.sh/release-namespace"),
        "{refused}"
    );
    // What the documentation says.
    let readme = include_str!("../../../README.md");
    ensure!(readme.contains("--take-ownership"), "it is not documented");
    cluster.helm(
        &["install", CRDS],
        "second",
        &crds,
        &["--take-ownership", "--create-namespace"],
    )?;
    ensure!(cluster.owner()? == "second");
    upgrade_with_reused_values(&cluster)
}

/// The chart once had no value for it, and helm reuses the values of the release before.
#[test]
fn a_definition_that_an_older_chart_did_not_keep_is_kept_after_an_upgrade() -> Result<()> {
    let cluster = Cluster(ControlPlane::start()?);
    let older = tempfile::tempdir()?;
    copy(&chart(CRDS), older.path())?;
    let template = "{{ .Files.Get \"files/chatbox.yaml\" }}";
    fs::write(older.path().join("templates/chatbox.yaml"), template)?;
    fs::write(older.path().join("values.yaml"), "")?;
    fs::remove_file(older.path().join("values.schema.json"))?;
    cluster.helm(&["install", CRDS], "default", older.path(), &[])?;
    let policy = "helm.sh/resource-policy";
    ensure!(cluster.annotation(policy)?.is_null(), "it is kept already");
    for more in [&["--reuse-values"], &["--reset-values"]] {
        cluster.helm(&["upgrade", CRDS], "default", &chart(CRDS), more)?;
        ensure!(cluster.annotation(policy)? == "keep", "{more:?}");
    }
    Ok(())
}

/// A release of a chart that had fewer values is upgraded, and its values are kept.
fn upgrade_with_reused_values(cluster: &Cluster) -> Result<()> {
    let folder = tempfile::tempdir()?;
    copy(&chart(OPERATOR), folder.path())?;
    let values = "image: {repository: registry.example/operator}\nchatboxImage: {repository: registry.example/chat}\n";
    fs::write(folder.path().join("values.yaml"), values)?;
    let before = &["--create-namespace", "--set", "watchNamespace=shop"];
    cluster.0.kubectl().run(&["create", "namespace", "shop"])?;
    cluster.helm(
        &["install", OPERATOR],
        "chatbox-system",
        folder.path(),
        before,
    )?;
    let reuse = &["--reuse-values", "--set", "allowedSecrets={llm}"];
    cluster.helm(
        &["upgrade", OPERATOR],
        "chatbox-system",
        &chart(OPERATOR),
        reuse,
    )?;
    let deployment = ["--namespace", "chatbox-system", "deployment", OPERATOR];
    let deployment = cluster
        .0
        .kubectl()
        .get(&deployment)?
        .context("no Deployment")?;
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    ensure!(
        container["image"] == "registry.example/operator:0.1.0",
        "{container}"
    );
    let env = container["env"].as_array().context("no env")?;
    for (name, value) in [
        ("CHATBOX_IMAGE", "registry.example/chat:0.1.0"),
        ("CHATBOX_NAMESPACE", "shop"),
        ("CHATBOX_ALLOWED_SECRETS", "llm"),
    ] {
        let found = env.iter().find(|variable| variable["name"] == name);
        ensure!(
            found.is_some_and(|variable| variable["value"] == value),
            "{container}"
        );
    }
    Ok(())
}
