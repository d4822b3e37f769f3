//! The shape of the generated schemas: what an API server takes, and how large it is.

use std::fs;
use std::path::Path;

use crds::{chatbox, config};
use serde_json::Value;

#[test]
fn the_committed_schema_of_the_document_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.schema.json");
    let committed = fs::read_to_string(file).unwrap_or_default();
    let current = format!(
        "{}\n",
        serde_json::to_string_pretty(&config::schema()).unwrap()
    );
    assert!(
        committed == current,
        "crds/config.schema.json is stale; run `make generate`"
    );
}

#[test]
fn the_definition_is_small_enough() {
    let crd = serde_json::to_string(&chatbox::crd()).unwrap();
    assert!(crd.len() <= 64 * 1024, "{} bytes", crd.len());
}

#[test]
fn the_schema_is_structural() {
    let crd = serde_json::to_value(chatbox::crd()).unwrap();
    for version in crd["spec"]["versions"].as_array().unwrap() {
        check(&version["schema"]["openAPIV3Schema"], "");
    }
}

#[test]
fn the_defaults_of_the_resource_are_in_its_definition() {
    let crd = serde_json::to_value(chatbox::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    assert_eq!(schema["spec"]["properties"]["replicas"]["default"], 1);
    assert_eq!(schema["status"]["default"]["observedGeneration"], -1);
}

/// The rules of <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>,
/// and our own: every string, list and map has an end, no number has an unknown format.
fn check(schema: &Value, path: &str) {
    let node = schema
        .as_object()
        .unwrap_or_else(|| panic!("{path}: not a schema"));
    for banned in [
        "$ref",
        "definitions",
        "patternProperties",
        "propertyNames",
        "const",
        "if",
        "uniqueItems",
        "nullable",
    ] {
        assert!(!node.contains_key(banned), "{path}: {banned}");
    }
    let free = node.contains_key("x-kubernetes-int-or-string");
    assert!(free || node["type"].is_string(), "{path}: no type");
    assert!(
        !(node.contains_key("properties") && node.contains_key("additionalProperties")),
        "{path}: both kinds of properties"
    );
    let ours = path.starts_with(".spec");
    match node.get("type").and_then(Value::as_str) {
        Some("string") => assert!(
            !ours
                || node.contains_key("enum")
                || node.contains_key("maxLength")
                || path.contains(".annotations"),
            "{path}: no maxLength"
        ),
        Some("array") => {
            assert!(
                !ours || node.contains_key("maxItems"),
                "{path}: no maxItems"
            );
            check(&node["items"], &format!("{path}[]"));
        }
        Some("integer") => {
            assert!(
                ["int32", "int64"].contains(&node["format"].as_str().unwrap()),
                "{path}: format"
            );
            assert!(
                !ours || (node.contains_key("minimum") && node.contains_key("maximum")),
                "{path}: no range"
            );
        }
        _ => {}
    }
    for (name, property) in node
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        check(property, &format!("{path}.{name}"));
    }
    if let Some(values) = node.get("additionalProperties") {
        assert!(
            !ours || node.contains_key("maxProperties"),
            "{path}: no maxProperties"
        );
        check(values, &format!("{path}{{}}"));
    }
}
