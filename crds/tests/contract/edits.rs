//! Which edits admission takes: rules about what was there before, which only CEL can see.

use crds::chatbox;
use kube::core::cel::Validator;
use serde_json::{Value, json};

#[test]
fn a_volume_keeps_its_kind_and_everything_else_can_be_taken_back() {
    let claim = |size: &str| json!({"claim": {"size": size}});
    let fast = |size: &str| json!({"claim": {"size": size, "storageClassName": "fast"}});
    let edits = [
        (claim("1Gi"), claim("2Gi")),
        (claim("1Gi"), fast("1Gi")),
        (
            fast("1Gi"),
            json!({"claim": {"size": "1Gi", "storageClassName": ""}}),
        ),
    ];
    let mut rows = vec![
        (
            claim("1Gi"),
            json!({"emptyDir": {}}),
            Some("kind of volume"),
        ),
        (
            json!({"emptyDir": {}}),
            claim("1Gi"),
            Some("kind of volume"),
        ),
    ];
    // Only the operator sees what the claim really has; an edit that was too much must not be the last one.
    for (before, after) in edits {
        rows.push((before.clone(), after.clone(), None));
        rows.push((after, before, None));
    }
    let storage = |volume: &Value| json!({"sqlite": {"volume": volume}});
    for (before, after, expected) in rows {
        assert_edit(&storage(&before), &storage(&after), expected);
    }
}

#[test]
fn messages_are_not_left_behind_in_another_storage() {
    let sqlite = json!({"sqlite": {}});
    let mongodb = |database: &str, key: &str| json!({"mongodb": {"uri": {"name": "m", "key": key}, "database": database}});
    for (before, after, expected) in [
        (&sqlite, &mongodb("a", "uri"), Some("kind of storage")),
        (&mongodb("a", "uri"), &sqlite, Some("kind of storage")),
        (
            &mongodb("a", "uri"),
            &mongodb("b", "uri"),
            Some("database cannot"),
        ),
        // The same database under another address or password.
        (&mongodb("a", "uri"), &mongodb("a", "new"), None),
    ] {
        assert_edit(before, after, expected);
    }
}

/// Admission takes the edit of `storage`, or refuses it in words that hold the expected ones.
fn assert_edit(before: &Value, after: &Value, expected: Option<&str>) {
    let crd = serde_json::to_value(chatbox::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["config"]["properties"]["storage"];
    let verdict = Validator::new().validate(schema, after, Some(before));
    let message = verdict.err().map(|errors| format!("{errors:?}"));
    match expected {
        None => assert_eq!(message, None, "{before} to {after}"),
        Some(words) => assert!(
            message
                .as_ref()
                .is_some_and(|message| message.contains(words)),
            "{before} to {after}: {message:?} lacks {words:?}"
        ),
    }
}
