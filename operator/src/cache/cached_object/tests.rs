use serde_json::json;

use crate::fixtures::{QUICKSTART, plan, stored};

use super::*;

fn object(kind: Kind, data: Value) -> DynamicObject {
    let mut object = DynamicObject::new("x", &kind.resource())
        .within("shop")
        .data(data);
    object.metadata.uid = Some("u".to_owned());
    object.metadata.resource_version = Some("1".to_owned());
    object
}

fn detail_of(kind: Kind, data: Value) -> Detail {
    CachedObject::new(kind, &object(kind, data)).unwrap().detail
}

fn labelled(labels: &[(&str, &str)]) -> CachedObject {
    let mut object = object(Kind::PERSISTENT_VOLUME_CLAIM, Value::Null);
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    object.metadata.labels = Some(labels.iter().map(pair).collect());
    CachedObject::new(Kind::PERSISTENT_VOLUME_CLAIM, &object).unwrap()
}

#[test]
fn a_retained_object_belongs_to_the_chatbox_of_our_label_and_of_no_other() {
    let rows: [(&[(&str, &str)], bool); 4] = [
        (&[("chatbox.dev/name", "support")], true),
        (&[("chatbox.dev/name", "other")], false),
        (&[], false),
        // What a Helm chart makes, and what an operator of the same name might make.
        (
            &[
                ("app.kubernetes.io/name", "chatbox"),
                ("app.kubernetes.io/instance", "support"),
                ("app.kubernetes.io/managed-by", "chatbox-operator"),
            ],
            false,
        ),
    ];
    for (labels, expected) in rows {
        let object = labelled(labels);
        let belongs = object.belongs_to(Kind::PERSISTENT_VOLUME_CLAIM, &stored());
        assert_eq!(belongs, expected, "{labels:?}");
        assert!(!object.belongs_to(Kind::SERVICE, &stored()), "{labels:?}");
    }
}

#[test]
fn a_config_is_cached_by_its_meaning() {
    let mut data = plan(QUICKSTART).config_map.data.unwrap();
    let document = data.remove(CONFIG_KEY).unwrap();
    let hash = |document: &str| match detail_of(
        Kind::CONFIG_MAP,
        json!({"data": {"config.json": document}}),
    ) {
        Detail::Config(hash) => hash,
        other => panic!("{other:?}"),
    };
    assert!(hash(&document).is_some());
    let with_unknown = document.replacen('{', "{\"newer\": 1,", 1);
    assert_eq!(hash(&with_unknown), hash(&document));
    let other = document.replace("/chatbox", "/other");
    assert_ne!(hash(&other), hash(&document));
    assert_eq!(hash("{"), None);
}

#[test]
fn the_chosen_image_is_not_the_edited_one() {
    let mut deployment = plan(QUICKSTART).deployment;
    let template = &mut deployment.spec.as_mut().unwrap().template;
    template.spec.as_mut().unwrap().containers[0].image = Some("edited:1".to_owned());
    deployment.metadata.uid = Some("u".to_owned());
    deployment.metadata.resource_version = Some("1".to_owned());
    let live = serde_json::from_value(serde_json::to_value(&deployment).unwrap()).unwrap();
    let object = CachedObject::new(Kind::DEPLOYMENT, &live).unwrap();
    let Detail::Deployment(Ok(rollout)) = object.detail else {
        panic!("{object:?}");
    };
    assert_eq!(rollout.image.as_deref(), Some("edited:1"));
    assert_eq!(rollout.chosen_image.as_deref(), Some("chatbox:0.1.0"));
}

#[test]
fn a_deployment_that_cannot_be_decoded_is_not_one_without_pods() {
    for data in [
        json!({"spec": {"replicas": "none", "selector": {}, "template": {}}}),
        json!({"spec": {"replicas": 0, "selector": {}, "template": {}}, "status": {"replicas": "0"}}),
        json!({}),
    ] {
        let detail = detail_of(Kind::DEPLOYMENT, data);
        assert!(matches!(detail, Detail::Deployment(Err(_))), "{detail:?}");
    }
}

#[test]
fn the_failure_of_a_pod_is_read_from_its_status() {
    let terminated =
        json!({"terminated": {"exitCode": 1, "reason": "Error", "message": "no such file\n"}});
    let waiting = |reason: &str, last: &Value| {
        json!({"containerStatuses": [{
            "name": "chatbox", "ready": false, "restartCount": 1, "image": "", "imageID": "",
            "state": {"waiting": {"reason": reason, "message": "back-off"}}, "lastState": last,
        }]})
    };
    let scheduling = json!({"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"},
    ]});
    let rows = [
        (waiting("ContainerCreating", &json!({})), None),
        (
            waiting("ImagePullBackOff", &json!({})),
            Some("ImagePullBackOff: back-off"),
        ),
        (
            waiting("ErrImagePull", &terminated),
            Some("ErrImagePull: back-off"),
        ),
        (
            waiting("CrashLoopBackOff", &terminated),
            Some("CrashLoopBackOff: Error, exit code 1: no such file"),
        ),
        (scheduling, Some("Unschedulable: no node")),
        (
            json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}),
            Some("Evicted: disk"),
        ),
        (json!({"phase": "Running"}), None),
        (
            json!({"phase": 1}),
            Some("StatusUnreadable: invalid type: integer `1`, expected a string"),
        ),
    ];
    for (status, expected) in rows {
        let Detail::Pod(pod) = detail_of(Kind::POD, json!({"status": status})) else {
            panic!("not a pod")
        };
        let failure = pod.failure;
        let text = failure.map(|failure| format!("{}: {}", failure.reason, failure.message));
        assert_eq!(text.as_deref(), expected);
    }
}

#[test]
fn an_owner_of_our_kind_leads_to_its_chatbox_although_it_is_no_controller() {
    let owner = |api_version: &str| json!([{"apiVersion": api_version, "kind": "Chatbox", "name": "support", "uid": "u-1"}]);
    let rows = [
        (owner("chatbox.dev/v1alpha1"), None, Some("support")),
        (owner("chatbox.dev/v2"), None, Some("support")),
        (owner("chatbox.dev/v1alpha1"), Some("other"), Some("other")),
        (owner("other.example/v1"), None, None),
    ];
    for (owners, label, expected) in rows {
        let metadata = json!({
            "name": "support-chatbox-keys", "namespace": "shop", "uid": "s", "resourceVersion": "1",
            "ownerReferences": owners, "labels": label.map(|name| json!({"chatbox.dev/name": name})),
        });
        let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
        let object = CachedObject::metadata_only(Kind::SECRET, &metadata).unwrap();
        assert_eq!(object.chatbox(), expected, "{owners} {label:?}");
    }
}

#[test]
fn a_claim_is_read_with_what_its_storage_says() {
    let data = json!({
        "spec": {"volumeMode": "Block"},
        "status": {"phase": "Lost", "conditions": [
            {"type": "Resizing", "status": "False", "message": "over"},
            {"type": "NodeResizeError", "status": "True", "message": "no\nspace"},
            {"type": "ModifyingVolume", "status": "True"},
        ]},
    });
    let Detail::Claim(claim) = detail_of(Kind::PERSISTENT_VOLUME_CLAIM, data) else {
        panic!("not a claim")
    };
    assert!(claim.is_block && claim.phase == ClaimPhase::Lost);
    let failed = Growth {
        kind: GrowthKind::Failed,
        message: "no space".to_owned(),
    };
    assert_eq!(claim.growth, [failed]);
}

#[test]
fn what_a_claim_is_made_from_is_read() {
    let has_source = |spec: Value| {
        let data = json!({"spec": spec, "status": {"phase": "Pending"}});
        let Detail::Claim(claim) = detail_of(Kind::PERSISTENT_VOLUME_CLAIM, data) else {
            panic!("not a claim")
        };
        claim.has_source
    };
    let snapshot = json!({"kind": "VolumeSnapshot", "name": "before"});
    assert!(has_source(json!({"volumeName": "static"})));
    assert!(has_source(json!({"dataSource": snapshot})));
    assert!(has_source(json!({"dataSourceRef": snapshot})));
    assert!(!has_source(json!({"storageClassName": "ssd"})));
}

#[test]
fn the_config_is_the_volume_of_that_name() {
    let volumes = json!([
        {"name": "ca", "configMap": {"name": "somebodys"}},
        {"name": "config", "configMap": {"name": "ours"}},
    ]);
    let spec = json!({
        "selector": {}, "template": {"spec": {"containers": [], "volumes": volumes}},
    });
    let Detail::Deployment(rollout) = detail_of(Kind::DEPLOYMENT, json!({"spec": spec})) else {
        panic!("not a Deployment")
    };
    assert_eq!(rollout.unwrap().config_map.as_deref(), Some("ours"));
}

#[test]
fn the_last_lines_of_a_log_are_kept() {
    let log = format!(
        "{}\nerror: database is newer than this release\n",
        "x".repeat(3000)
    );
    let state = json!({"terminated": {"exitCode": 1, "reason": "Error", "message": log}});
    let status = json!({"containerStatuses": [{
        "name": "chatbox", "ready": false, "restartCount": 1, "image": "", "imageID": "",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": state,
    }]});
    let Detail::Pod(pod) = detail_of(Kind::POD, json!({"status": status})) else {
        panic!("not a pod")
    };
    let message = pod.failure.unwrap().message;
    assert!(
        message.ends_with("error: database is newer than this release"),
        "{message}"
    );
    assert!(message.starts_with("Error, exit code 1: ..."), "{message}");
    assert!(message.len() < 900);
}

#[test]
fn a_pod_is_read_with_its_node_and_its_end() {
    let containers = json!([{"state": {"waiting": {"reason": "ContainerCreating"}}}]);
    let object = json!({
        "metadata": {
            "name": "p", "namespace": "shop", "uid": "p", "resourceVersion": "1",
            "deletionTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Pending", "containerStatuses": containers},
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    let Detail::Pod(pod) = CachedObject::new(Kind::POD, &object).unwrap().detail else {
        panic!("not a pod")
    };
    assert_eq!(pod.node.as_deref(), Some("n1"));
    assert_eq!(pod.ends.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert!(pod.is_being_set_up && !pod.is_over);
}
