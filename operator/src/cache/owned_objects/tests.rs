use kube::core::ApiResource;
use serde_json::{Value, json};

use super::*;

const NAMESPACE: &str = "shop";

fn object(name: &str, uid: &str, version: u64, instance: &str, data: Value) -> DynamicObject {
    let resource: ApiResource = Kind::Deployment.resource();
    let mut object = DynamicObject::new(name, &resource)
        .within(NAMESPACE)
        .data(data);
    object.metadata.uid = Some(uid.to_owned());
    object.metadata.resource_version = Some(version.to_string());
    object.metadata.labels = Some(crate::plan::meta::labels(instance));
    object
}

fn deployment(uid: &str, version: u64, replicas: i32) -> DynamicObject {
    let data = json!({
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
        "status": {"replicas": replicas},
    });
    object("x-chatbox", uid, version, "x", data)
}

fn key(name: &str) -> NamespacedName {
    NamespacedName {
        namespace: NAMESPACE.to_owned(),
        name: name.to_owned(),
    }
}

fn woken(names: &[&str]) -> BTreeSet<NamespacedName> {
    names.iter().map(|name| key(name)).collect()
}

const KIND: Kind = Kind::Deployment;

#[test]
fn only_news_wakes() {
    let mut children = OwnedObjectsCache::default();
    assert_eq!(
        children.observe(KIND, &Event::Apply(deployment("u", 1, 1))),
        woken(&["x"])
    );
    assert_eq!(
        children.observe(KIND, &Event::Apply(deployment("u", 2, 1))),
        woken(&[])
    );
    assert_eq!(
        children.observe(KIND, &Event::Apply(deployment("u", 3, 2))),
        woken(&["x"])
    );
    assert_eq!(children.of(&key("x")).rollout().unwrap().replicas, 2);
}

#[test]
fn the_watch_does_not_undo_the_answer_to_a_write() {
    let mut children = OwnedObjectsCache::default();
    children.put(KIND, &deployment("u", 5, 2));
    assert_eq!(
        children.observe(KIND, &Event::Apply(deployment("u", 4, 1))),
        woken(&[])
    );
    assert_eq!(children.of(&key("x")).rollout().unwrap().replicas, 2);
}

/// The watch was faster than the answer to our own write.
#[test]
fn an_answer_does_not_bring_back_what_is_gone() {
    let mut children = OwnedObjectsCache::default();
    children.observe(KIND, &Event::Apply(deployment("u", 1, 1)));
    children.refresh(KIND, &deployment("u", 2, 5));
    assert_eq!(children.of(&key("x")).rollout().unwrap().replicas, 5);
    children.observe(KIND, &Event::Delete(deployment("u", 3, 5)));
    children.refresh(KIND, &deployment("u", 2, 5));
    assert!(children.of(&key("x")).rollout().is_none());
    children.observe(KIND, &Event::Apply(deployment("next", 4, 1)));
    children.refresh(KIND, &deployment("u", 2, 5));
    assert_eq!(children.of(&key("x")).rollout().unwrap().replicas, 1);
}

#[test]
fn the_end_of_an_object_is_not_the_end_of_its_successor() {
    let mut children = OwnedObjectsCache::default();
    children.put(KIND, &deployment("new", 9, 1));
    assert_eq!(
        children.observe(KIND, &Event::Delete(deployment("old", 8, 1))),
        woken(&[])
    );
    assert!(children.of(&key("x")).rollout().is_some());
    assert_eq!(
        children.observe(KIND, &Event::Delete(deployment("new", 10, 1))),
        woken(&["x"])
    );
    assert!(children.of(&key("x")).rollout().is_none());
}

#[test]
fn a_copy_of_the_deployment_is_not_taken_for_it() {
    let mut children = OwnedObjectsCache::default();
    let copy = object("a-copy", "c", 1, "x", json!({"spec": {"replicas": 9}}));
    children.put(KIND, &copy);
    assert!(children.of(&key("x")).rollout().is_none());
    children.put(KIND, &deployment("u", 2, 1));
    assert_eq!(children.of(&key("x")).rollout().unwrap().replicas, 1);
}

#[test]
fn what_a_new_list_lacks_is_gone() {
    let mut children = OwnedObjectsCache::default();
    children.observe(KIND, &Event::Apply(deployment("u", 1, 1)));
    children.observe(
        KIND,
        &Event::Apply(object("y-chatbox", "v", 2, "y", json!({}))),
    );
    children.observe(KIND, &Event::Init);
    assert_eq!(
        children.observe(KIND, &Event::InitApply(deployment("u", 1, 1))),
        woken(&[])
    );
    assert_eq!(children.observe(KIND, &Event::InitDone), woken(&["y"]));
}

#[test]
fn an_object_that_changes_hands_wakes_both() {
    let mut children = OwnedObjectsCache::default();
    children.observe(KIND, &Event::Apply(deployment("u", 1, 1)));
    let moved = object("x-chatbox", "u", 2, "z", json!({}));
    assert_eq!(
        children.observe(KIND, &Event::Apply(moved)),
        woken(&["x", "z"])
    );
    assert!(children.of(&key("x")).iter().next().is_none());
}

#[test]
fn the_controller_says_more_than_the_label() {
    let mut child = deployment("u", 1, 1);
    child.metadata.owner_references = Some(vec![serde_json::from_value(json!({
        "apiVersion": "chatbox.dev/v1alpha1", "kind": "Chatbox", "name": "real", "uid": "c", "controller": true,
    })).unwrap()]);
    let mut children = OwnedObjectsCache::default();
    assert_eq!(
        children.observe(KIND, &Event::Apply(child)),
        woken(&["real"])
    );
}

#[test]
fn a_config_is_remembered_by_what_it_means() {
    let plan = crate::fixtures::plan(crate::fixtures::QUICKSTART);
    let document = plan
        .config_map
        .data
        .unwrap()
        .remove(crds::runtime::CONFIG_KEY)
        .unwrap();
    let config_hash = |document: &str| {
        let child = CachedObject::new(
            Kind::ConfigMap,
            &object("c", "u", 1, "x", json!({"data": {"config.json": document}})),
        );
        match child.detail {
            Detail::Config(config_hash) => config_hash,
            other => panic!("{other:?}"),
        }
    };
    assert!(config_hash(&document).is_some());
    let with_unknown = document.replacen('{', "{\"newer\": 1,", 1);
    assert_eq!(config_hash(&with_unknown), config_hash(&document));
    assert_ne!(
        config_hash(&document.replace("/chatbox", "/other")),
        config_hash(&document)
    );
    assert_eq!(config_hash("{"), None);
}

#[test]
fn the_image_that_was_chosen_is_not_the_one_that_somebody_put_in() {
    let plan = crate::fixtures::plan(crate::fixtures::QUICKSTART);
    let mut deployment = plan.deployment;
    let mut live = |image: &str| {
        let template = &mut deployment.spec.as_mut().unwrap().template;
        let pod = template.spec.as_mut().unwrap();
        pod.containers[0].image = Some(image.to_owned());
        let live = serde_json::to_value(&deployment).unwrap();
        match CachedObject::new(KIND, &serde_json::from_value(live).unwrap()).detail {
            Detail::Deployment(rollout) => *rollout,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(live("edited:1").image.as_deref(), Some("edited:1"));
    let chosen = live("edited:1").chosen_image;
    assert_eq!(chosen.as_deref(), Some("chatbox:0.1.0"));
}

#[test]
fn a_pod_tells_what_it_suffers_from() {
    let ended =
        json!({"terminated": {"exitCode": 1, "reason": "Error", "message": "no such file\n"}});
    let waiting = |reason: &str, last: &Value| {
        json!({"containerStatuses": [{
            "name": "chatbox", "ready": false, "restartCount": 1, "image": "", "imageID": "",
            "state": {"waiting": {"reason": reason, "message": "back-off"}}, "lastState": last,
        }]})
    };
    let scheduling = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}]});
    let rows = [
        (waiting("ContainerCreating", &json!({})), None),
        (
            waiting("ImagePullBackOff", &json!({})),
            Some("ImagePullBackOff: back-off"),
        ),
        (
            waiting("CrashLoopBackOff", &ended),
            Some("CrashLoopBackOff: Error, exit code 1: no such file"),
        ),
        (scheduling, Some("Unschedulable: no node")),
        (
            json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}),
            Some("Evicted: disk"),
        ),
        (json!({"phase": "Running"}), None),
    ];
    for (status, expected) in rows {
        let child = CachedObject::new(
            Kind::Pod,
            &object("p", "u", 1, "x", json!({"status": status})),
        );
        let Detail::Pod(pod) = child.detail else {
            panic!("not a pod")
        };
        let told = pod
            .failure
            .map(|failure| format!("{}: {}", failure.reason, failure.message));
        assert_eq!(told.as_deref(), expected);
    }
}
