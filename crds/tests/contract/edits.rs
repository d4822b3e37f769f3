//! Which edits admission takes: rules about what was there before, which only CEL can see.

use crds::chatbox;
use kube::core::cel::Validator;
use serde_json::{Value, json};

#[test]
fn a_volume_keeps_its_kind_and_class_and_never_shrinks() {
    let claim = |size: &str| json!({"claim": {"size": size}});
    let fast = |size: &str| json!({"claim": {"size": size, "storageClassName": "fast"}});
    let rows: [(Value, Value, Option<&str>); 8] = [
        (claim("1Gi"), claim("1Gi"), None),
        (claim("1Gi"), claim("1024Mi"), None),
        (claim("900Mi"), claim("1G"), None),
        (claim("9Gi"), claim("10Gi"), None),
        (claim("1Gi"), claim("1G"), Some("cannot shrink")),
        (claim("10Gi"), claim("9Gi"), Some("cannot shrink")),
        (claim("1Gi"), fast("1Gi"), Some("storage class")),
        (
            claim("1Gi"),
            json!({"emptyDir": {}}),
            Some("kind of volume"),
        ),
    ];
    let crd = serde_json::to_value(chatbox::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["config"]["properties"]["storage"];
    let storage = |volume: &Value| json!({"sqlite": {"volume": volume}});
    for (before, after, expected) in rows {
        let verdict = Validator::new().validate(schema, &storage(&after), Some(&storage(&before)));
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
}
