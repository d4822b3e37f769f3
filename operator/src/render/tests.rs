use crate::fixtures::QUICKSTART;

use super::*;

fn chatbox() -> String {
    format!("kind: Chatbox\napiVersion: chatbox.dev/v1alpha1{QUICKSTART}")
}

fn parsed(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

fn annotation(objects: &[Value]) -> Option<&str> {
    let deployment = objects
        .iter()
        .find(|object| object["kind"] == "Deployment")
        .unwrap();
    deployment["spec"]["template"]["metadata"]["annotations"][crds::runtime::CONFIG_HASH].as_str()
}

#[test]
fn what_the_api_server_would_refuse_is_not_rendered() {
    for (from, to, expected) in [
        (
            "spec:",
            "spec:\n  replicas: 5",
            "spec.replicas: must be 0 or 1",
        ),
        ("name: support", "name: Support", "metadata.name: must be"),
    ] {
        let text = crate::fixtures::QUICKSTART.replacen("metadata:", "kind: Chatbox\nmetadata:", 1);
        let error = documents(&text.replacen(from, to, 1), Some("chatbox:1")).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}

#[test]
fn the_documents_are_those_of_the_plan() {
    let out = documents(&chatbox(), Some("chatbox:0.1.0")).unwrap();
    let expected: Vec<Value> = crate::fixtures::objects(QUICKSTART)
        .into_iter()
        .map(|object| object.body)
        .collect();
    let mut rendered = parsed(&out);
    // A digest needs the values.
    assert_eq!(annotation(&rendered), None);
    assert!(out.starts_with("# No chatbox.dev/config-hash"));
    let mut expected = expected;
    for deployment in [rendered.last_mut(), expected.last_mut()]
        .into_iter()
        .flatten()
    {
        deployment["spec"]["template"]["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
    }
    assert_eq!(rendered, expected);
}

#[test]
fn with_the_secrets_at_hand_the_pods_have_their_digest() {
    let key = "0123456789abcdef0123456789abcdef";
    let secret = format!(
        "kind: Secret\nmetadata: {{name: support-chatbox-keys}}\nstringData: {{jwt: {key}}}"
    );
    let out = documents(&format!("{}\n---\n{secret}", chatbox()), Some("i")).unwrap();
    assert!(annotation(&parsed(&out)).is_some());
    assert!(!out.contains(key));
}

#[test]
fn a_list_is_taken_apart() {
    let item = chatbox().trim().replace('\n', "\n  ");
    let out = documents(&format!("kind: List\nitems:\n- {item}\n"), Some("i")).unwrap();
    assert_eq!(parsed(&out).len(), 6);
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_its_secrets() {
    let rows = [
        (
            "kind: Secret\nstringData: {k: hunter2}\na: [",
            "is not YAML",
        ),
        ("kind: Secret\ndata: hunter2", "a Secret cannot be read"),
    ];
    for (text, expected) in rows {
        let error = format!("{:#}", documents(text, Some("i")).unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn what_cannot_be_rendered_is_told() {
    let rows = [
        ("a: [", "is not YAML"),
        ("kind: Service", "there is no Chatbox in the file"),
        (
            &chatbox().replace("{id: demo,", "{id: '*',"),
            "spec.config.models[0].id",
        ),
        (
            &chatbox().replace("{sqlite: {}}", "{sqlite: 1}"),
            "spec.config.storage.sqlite",
        ),
    ];
    for (text, expected) in rows {
        let error = format!("{:#}", documents(text, Some("i")).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }
    let error = format!("{:#}", documents(&chatbox(), None).unwrap_err());
    assert!(error.contains("spec.image"), "{error}");
}
