//! The floor: the objects that the operator would apply, applied by a client that does nothing else.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use kube::ResourceExt;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::fleet::{CONCURRENCY, Fleet, chatbox, name, object};
use super::process::IMAGE;
use crate::cluster::print;

const MANAGER: &str = "bench";

/// Creates every Chatbox, applies its children and writes its status.
pub(super) async fn write(fleet: &Fleet, operator: &Path, scratch: &Path) -> Result<()> {
    let mut children = render(fleet.count, operator, scratch)?;
    let writing = stream::iter(0..fleet.count).map(|index| {
        let children = children.remove(&name(index)).unwrap_or_default();
        write_one(fleet, index, children)
    });
    writing.buffer_unordered(CONCURRENCY).try_collect().await
}

async fn write_one(fleet: &Fleet, index: usize, children: Vec<DynamicObject>) -> Result<()> {
    fleet.create_one(index).await?;
    let params = PatchParams::apply(MANAGER).force();
    for child in children {
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

/// The children of all Chatboxes, by the name of their Chatbox.
fn render(
    count: usize,
    operator: &Path,
    scratch: &Path,
) -> Result<BTreeMap<String, Vec<DynamicObject>>> {
    let file = tempfile::Builder::new()
        .suffix(".yaml")
        .tempfile_in(scratch)?;
    let mut text = String::new();
    for index in 0..count {
        // Writing to a string does not fail.
        let _ = writeln!(text, "---\n{}", chatbox(index));
    }
    std::fs::write(file.path(), text)?;
    let path = file.path().to_str().context("the path is not UTF-8")?;
    let args = ["render", "--file", path, "--chatbox-image", IMAGE];
    by_chatbox(&print(operator, &args)?)
}

fn by_chatbox(rendered: &str) -> Result<BTreeMap<String, Vec<DynamicObject>>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(rendered)?;
    let mut children: BTreeMap<String, Vec<DynamicObject>> = BTreeMap::new();
    for document in documents {
        let child = object(document)?;
        // Children of one Chatbox carry its name in a label; which one is the operator's business.
        let owner = child
            .labels()
            .values()
            .find(|value| value.starts_with("support-"));
        let owner = owner.context("a child names no Chatbox")?.clone();
        children.entry(owner).or_default().push(child);
    }
    ensure!(!children.is_empty(), "nothing was rendered");
    Ok(children)
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
    fn children_are_found_by_their_chatbox() {
        let text = "---\nkind: Service\napiVersion: v1\nmetadata: {name: a, labels: {x: support-00001}}\n\
                    ---\nkind: Secret\napiVersion: v1\nmetadata: {name: b, labels: {x: support-00001}}\n";
        let children = by_chatbox(text).unwrap();
        let names: Vec<_> = children["support-00001"]
            .iter()
            .map(ResourceExt::name_any)
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert!(by_chatbox("---\nkind: A\napiVersion: v1\nmetadata: {name: c}\n").is_err());
    }
}
