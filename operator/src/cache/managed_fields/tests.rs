use serde_json::json;

use super::*;

fn live(object: &Value, fields: Value, manager: &str, subresource: Option<&str>) -> Option<Digest> {
    let entry = ManagedFieldsEntry {
        manager: Some(manager.to_owned()),
        operation: Some("Apply".to_owned()),
        subresource: subresource.map(str::to_owned),
        fields_v1: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1(
            fields,
        )),
        ..ManagedFieldsEntry::default()
    };
    let managed = [entry];
    let fields = owned_fields(&managed)?;
    Some(digest(&project_parts(&object["metadata"], object, fields)))
}

#[test]
fn what_a_backup_restores_was_not_written_here() {
    let metadata = |manager: &str, time: Option<&str>| {
        serde_json::from_value(json!({
            "creationTimestamp": "2026-02-01T00:00:00Z",
            "managedFields": [{"manager": manager, "operation": "Apply", "time": time}],
        }))
        .unwrap()
    };
    let rows = [
        ("with it", FIELD_MANAGER, Some("2026-02-01T00:00:00Z"), true),
        (
            "before slow admission",
            FIELD_MANAGER,
            Some("2026-01-31T23:59:20Z"),
            true,
        ),
        ("later", FIELD_MANAGER, Some("2026-03-01T00:00:00Z"), true),
        ("at no time", FIELD_MANAGER, None, true),
        (
            "restored",
            FIELD_MANAGER,
            Some("2026-01-01T00:00:00Z"),
            false,
        ),
        ("by somebody", "velero", Some("2026-03-01T00:00:00Z"), false),
    ];
    for (what, manager, time, expected) in rows {
        assert_eq!(
            is_written_here(&metadata(manager, time)),
            expected,
            "{what}"
        );
    }
    assert!(!is_written_here(&ObjectMeta::default()));
}

#[test]
fn who_has_written_last_beside_us_is_known() {
    let metadata = |entries: &[(&str, &str, Option<&str>)]| {
        let entry = |(manager, second, subresource): &(&str, &str, Option<&str>)| json!({"manager": manager, "time": format!("2026-02-01T00:00:{second}Z"), "subresource": subresource});
        let entries: Vec<_> = entries.iter().map(entry).collect();
        serde_json::from_value(json!({ "managedFields": entries })).unwrap()
    };
    let ours = (FIELD_MANAGER, "09", None);
    let rows = [
        (vec![], None),
        (vec![ours], None),
        (vec![ours, ("a", "01", None), ("b", "02", None)], Some("b")),
        (vec![("b", "02", None), ("a", "01", None), ours], Some("b")),
        (
            vec![
                ("a", "01", Some("scale")),
                ("kubelet", "02", Some("status")),
            ],
            Some("a"),
        ),
    ];
    for (entries, expected) in rows {
        assert_eq!(last_other(&metadata(&entries)).as_deref(), expected);
    }
}

fn fields() -> Value {
    json!({
        "f:metadata": {"f:labels": {"f:a": {}}, "f:ownerReferences": {"k:{\"uid\":\"u\"}": {}}},
        "f:spec": {
            "f:replicas": {},
            "f:args": {},
            "f:volume": {"f:emptyDir": {}},
            "f:ports": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:name": {}}},
            "f:finalizers": {"v:\"x\"": {}},
        },
    })
}

fn desired() -> Value {
    json!({
        "apiVersion": "v1", "kind": "K",
        "metadata": {"name": "n", "namespace": "s", "labels": {"a": "1"}, "ownerReferences": [{"uid": "u", "name": "o"}]},
        "spec": {
            "replicas": 1,
            "args": ["x", "y"],
            "volume": {"emptyDir": {}},
            "ports": [{"port": 1, "name": "p"}],
            "finalizers": ["x"],
        },
    })
}

/// What the API server made of it: defaults, and what others added.
fn stored() -> Value {
    json!({
        "metadata": {
            "labels": {"a": "1", "theirs": "2"},
            "annotations": null,
            "ownerReferences": [{"uid": "u", "name": "o"}, {"uid": "v", "name": "p"}],
        },
        "spec": {
            "replicas": 1, "default": true,
            "args": ["x", "y"],
            "volume": {"emptyDir": {}},
            "ports": [{"port": 2, "protocol": "TCP"}, {"port": 1, "protocol": "TCP", "name": "p", "targetPort": 1}],
            "finalizers": ["theirs", "x"],
        },
        "status": {"ready": 1},
    })
}

#[test]
fn defaults_and_the_fields_of_others_are_no_difference() {
    assert_eq!(
        live(&stored(), fields(), FIELD_MANAGER, None),
        Some(of_desired(&desired()))
    );
}

#[test]
fn each_change_of_a_field_of_ours_is_a_difference() {
    let changes: [(&str, Value); 7] = [
        ("/metadata/labels/a", json!("2")),
        ("/metadata/ownerReferences/0/name", json!("other")),
        ("/spec/replicas", json!(2)),
        ("/spec/args", json!(["x"])),
        ("/spec/volume/emptyDir", json!({"medium": "Memory"})),
        ("/spec/ports/1/name", json!("q")),
        ("/spec/finalizers", json!(["theirs"])),
    ];
    for (path, value) in changes {
        let mut stored = stored();
        *stored.pointer_mut(path).unwrap() = value;
        assert_ne!(
            live(&stored, fields(), FIELD_MANAGER, None),
            Some(of_desired(&desired())),
            "{path}"
        );
    }
}

#[test]
fn a_field_that_we_own_and_no_longer_want_is_a_difference() {
    let mut desired = desired();
    desired["spec"].as_object_mut().unwrap().remove("replicas");
    assert_ne!(
        live(&stored(), fields(), FIELD_MANAGER, None),
        Some(of_desired(&desired))
    );
}

#[test]
fn what_others_applied_is_not_ours() {
    assert_eq!(live(&stored(), fields(), "kubectl", None), None);
    assert_eq!(
        live(&stored(), fields(), FIELD_MANAGER, Some("status")),
        None
    );
}
