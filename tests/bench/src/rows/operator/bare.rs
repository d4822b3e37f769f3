//! The floor: the objects that the operator would apply, applied by a client that does nothing else.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use kube::ResourceExt;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::fleet::{CONCURRENCY, Fleet, chatbox, name};
use super::process::IMAGE;
use crate::cluster::print;

const MANAGER: &str = "bench";

/// Creates every Chatbox, applies its children and writes its status.
pub(super) async fn write(fleet: &Fleet, operator: &Path, scratch: &Path) -> Result<()> {
    let rendered = render(operator, scratch)?;
    let writing = stream::iter(0..fleet.count).map(|index| write_one(fleet, index, &rendered));
    writing.buffer_unordered(CONCURRENCY).try_collect().await
}

async fn write_one(fleet: &Fleet, index: usize, rendered: &[String]) -> Result<()> {
    fleet.create_one(index).await?;
    let params = PatchParams::apply(MANAGER).force();
    for text in rendered {
        let child = child(text, index)?;
        let types = child.types.as_ref().context("a child without a kind")?;
        let (group, version) = types
            .api_version
            .split_once('/')
            .unwrap_or(("", &types.api_version));
        let api = fleet.api(group, version, &types.kind);
        api.patch(&child.name_any(), &params, &Patch::Apply(&child))
            .await?;
    }
    let status = Patch::Merge(status());
    fleet
        .chatboxes()
        .patch_status(&name(index), &PatchParams::default(), &status)
        .await?;
    Ok(())
}

/// The children of the first Chatbox, as JSON.
fn render(operator: &Path, scratch: &Path) -> Result<Vec<String>> {
    let file = tempfile::Builder::new()
        .suffix(".yaml")
        .tempfile_in(scratch)?;
    std::fs::write(file.path(), chatbox(0).to_string())?;
    let path = file.path().to_str().context("the path is not UTF-8")?;
    let args = ["render", "--file", path, "--chatbox-image", IMAGE];
    let documents: Vec<Value> = serde_saphyr::from_multiple(&print(operator, &args)?)?;
    ensure!(!documents.is_empty(), "nothing was rendered");
    Ok(documents.iter().map(Value::to_string).collect())
}

/// The same child of another Chatbox: they differ in nothing but the name.
fn child(rendered: &str, index: usize) -> Result<DynamicObject> {
    Ok(serde_json::from_str(
        &rendered.replace(&name(0), &name(index)),
    )?)
}

/// As long as what the operator says.
fn status() -> Value {
    let condition = |kind: &str, reason: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "message": "a sentence as long as those that the operator writes about a Chatbox",
        })
    };
    json!({"status": {
        "observedGeneration": 1,
        "url": "http://support-00000-chatbox.bench.svc/chatbox/",
        "image": IMAGE,
        "selector": "app.kubernetes.io/instance=support-00000,app.kubernetes.io/name=chatbox",
        "conditions": [
            condition("Ready", "Progressing"), condition("Reconciling", "Progressing"),
            condition("ConfigValid", "Valid"), condition("SecretsResolved", "Resolved"),
        ],
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_another_chatbox_has_another_name() {
        let service = json!({
            "kind": "Service", "apiVersion": "v1",
            "metadata": {"name": "support-00000-chatbox", "labels": {"of": "support-00000"}},
        });
        let child = child(&service.to_string(), 12).unwrap();
        assert_eq!(child.name_any(), "support-00012-chatbox");
        assert_eq!(child.labels()["of"], "support-00012");
    }
}
