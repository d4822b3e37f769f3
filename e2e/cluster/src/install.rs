//! Installs the operator as a user would: helm for the charts, kubectl for the first Chatbox.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use builder::{
    command::{helper, run},
    images::{Image, Images},
    paths::checkout,
};
use control_plane::kubectl::Kubectl;

/// Where the operator lives.
pub const NAMESPACE: &str = "chatbox-system";

/// Installs or upgrades both charts and waits until the operator is ready.
pub fn charts(helm: &Path, kubeconfig: &Path, images: &Images) -> Result<()> {
    let Images { operator, chatbox } = images;
    release(helm, kubeconfig, "chatbox-crds", &[])?;
    let values = [
        format!("image.repository={}", operator.repository),
        format!("image.tag={}", operator.tag),
        format!("chatboxImage.repository={}", chatbox.repository),
        format!("chatboxImage.tag={}", chatbox.tag),
    ];
    release(helm, kubeconfig, "chatbox-operator", &values)
}

fn release(helm: &Path, kubeconfig: &Path, chart: &str, values: &[String]) -> Result<()> {
    let mut command: Command = helper(helm);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["upgrade", "--install", chart]);
    command.arg(checkout().join("charts").join(chart));
    command.args([
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--history-max=3",
        "--wait",
        "--timeout=120s",
    ]);
    for value in values {
        // As text: a tag of digits alone would become a number.
        command.args(["--set-string", value]);
    }
    run(&mut command).map(drop)
}

/// Applies the sample and waits until its Chatbox is ready. Returns the address of its page.
///
/// A Chatbox without an image keeps the one that it was created with, so a new build is named to it.
pub fn sample(kubectl: &Kubectl, image: &Image) -> Result<String> {
    let file = checkout()
        .join("e2e/samples/quickstart.yaml")
        .display()
        .to_string();
    kubectl.run(&["apply", "--filename", &file])?;
    let applied = kubectl
        .get(&["--filename", &file])?
        .context("the sample vanished")?;
    let items = applied["items"]
        .as_array()
        .map_or(std::slice::from_ref(&applied), Vec::as_slice);
    let chatbox = items
        .iter()
        .find(|item| item["kind"] == "Chatbox")
        .context("the sample has no Chatbox")?;
    let (namespace, name) = identity(chatbox)?;
    let patch = json!({"spec": {"image": image.name()}}).to_string();
    kubectl.run(&[
        "patch",
        "chatbox",
        name,
        "--namespace",
        namespace,
        "--type=merge",
        "--patch",
        &patch,
    ])?;
    ready(kubectl, chatbox)?;
    page(kubectl, chatbox)
}

/// Waits until a Chatbox is ready. The error tells what its conditions and the pods say.
pub fn ready(kubectl: &Kubectl, chatbox: &Value) -> Result<()> {
    let (namespace, name) = identity(chatbox)?;
    let of = ["chatbox", name, "--namespace", namespace];
    let wait = [
        &["wait", "--for=condition=Ready", "--timeout=120s"],
        &of[..],
    ]
    .concat();
    let Err(error) = kubectl.run(&wait) else {
        return Ok(());
    };
    let conditions = [&["get", "-o", "jsonpath={.status.conditions}"], &of[..]].concat();
    let conditions = kubectl.run(&conditions).unwrap_or_default();
    let pods = kubectl
        .run(&["get", "pods", "--all-namespaces"])
        .unwrap_or_default();
    bail!("{error:#}\nits conditions: {conditions}\n{pods}")
}

fn identity(chatbox: &Value) -> Result<(&str, &str)> {
    let text = |field: &str| {
        chatbox["metadata"][field]
            .as_str()
            .with_context(|| format!("a Chatbox has a {field}"))
    };
    Ok((text("namespace")?, text("name")?))
}

/// The address on this machine of a Chatbox's page, by the NodePort of its Service.
pub fn page(kubectl: &Kubectl, chatbox: &Value) -> Result<String> {
    let (namespace, name) = identity(chatbox)?;
    let prefix = chatbox
        .pointer("/spec/config/server/pathPrefix")
        .and_then(Value::as_str);
    let prefix = prefix.unwrap_or("/chatbox").trim_end_matches('/');
    let name = format!("{name}-chatbox");
    let service = kubectl.get(&["service", &name, "--namespace", namespace])?;
    let service = service.with_context(|| format!("there is no Service {namespace}/{name}"))?;
    let port = service
        .pointer("/spec/ports/0/nodePort")
        .and_then(Value::as_u64);
    let port = port.with_context(|| format!("the Service {namespace}/{name} has no NodePort"))?;
    Ok(format!("http://127.0.0.1:{port}{prefix}/chat.html"))
}
