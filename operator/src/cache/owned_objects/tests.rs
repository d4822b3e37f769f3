use serde_json::{Value, json};

use crate::fixtures::key;

use super::*;

const KIND: Kind = Kind::DEPLOYMENT;

fn object(name: &str, uid: &str, version: u64, chatbox: &str, data: Value) -> DynamicObject {
    let resource = KIND.resource();
    let mut object = DynamicObject::new(name, &resource)
        .within("shop")
        .data(data);
    object.metadata.uid = Some(uid.to_owned());
    object.metadata.resource_version = Some(version.to_string());
    object.metadata.labels = Some(crate::plan::meta::selector(chatbox));
    object
}

fn deployment(uid: &str, version: u64, replicas: i32) -> DynamicObject {
    let data = json!({
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
        "status": {"replicas": replicas},
    });
    object("x-chatbox", uid, version, "x", data)
}

fn keys(names: &[&str]) -> BTreeSet<NamespacedName> {
    names.iter().map(|name| key(name)).collect()
}

fn observe(
    cache: &mut OwnedObjectsCache,
    event: &Event<DynamicObject>,
) -> BTreeSet<NamespacedName> {
    cache.observe(KIND, event).unwrap()
}

#[test]
fn only_a_change_triggers() {
    let mut cache = OwnedObjectsCache::default();
    assert_eq!(
        observe(&mut cache, &Event::Apply(deployment("u", 1, 1))),
        keys(&["x"])
    );
    assert_eq!(
        observe(&mut cache, &Event::Apply(deployment("u", 2, 1))),
        keys(&[])
    );
    assert_eq!(
        observe(&mut cache, &Event::Apply(deployment("u", 3, 2))),
        keys(&["x"])
    );
    assert_eq!(cache.of(&key("x")).rollout().unwrap().unwrap().replicas, 2);
}

#[test]
fn the_watch_does_not_undo_the_answer_to_a_write() {
    let mut cache = OwnedObjectsCache::default();
    cache.put(KIND, &deployment("u", 5, 2)).unwrap();
    assert_eq!(
        observe(&mut cache, &Event::Apply(deployment("u", 4, 1))),
        keys(&[])
    );
    assert_eq!(cache.of(&key("x")).rollout().unwrap().unwrap().replicas, 2);
}

/// The watch was faster than the answer to our own write.
#[test]
fn an_answer_does_not_bring_back_what_is_gone() {
    let mut cache = OwnedObjectsCache::default();
    observe(&mut cache, &Event::Apply(deployment("u", 1, 1)));
    cache.refresh(KIND, &deployment("u", 2, 5)).unwrap();
    assert_eq!(cache.of(&key("x")).rollout().unwrap().unwrap().replicas, 5);
    observe(&mut cache, &Event::Delete(deployment("u", 3, 5)));
    cache.refresh(KIND, &deployment("u", 2, 5)).unwrap();
    assert!(cache.of(&key("x")).rollout().is_none());
    observe(&mut cache, &Event::Apply(deployment("next", 4, 1)));
    cache.refresh(KIND, &deployment("u", 2, 5)).unwrap();
    assert_eq!(cache.of(&key("x")).rollout().unwrap().unwrap().replicas, 1);
}

#[test]
fn the_end_of_an_object_is_not_the_end_of_its_successor() {
    let mut cache = OwnedObjectsCache::default();
    cache.put(KIND, &deployment("new", 9, 1)).unwrap();
    assert_eq!(
        observe(&mut cache, &Event::Delete(deployment("old", 8, 1))),
        keys(&[])
    );
    assert!(cache.of(&key("x")).rollout().is_some());
    assert_eq!(
        observe(&mut cache, &Event::Delete(deployment("new", 10, 1))),
        keys(&["x"])
    );
    assert!(cache.of(&key("x")).rollout().is_none());
}

#[test]
fn a_copy_of_the_deployment_is_not_taken_for_it() {
    let mut cache = OwnedObjectsCache::default();
    let copy = object("a-copy", "c", 1, "x", json!({"spec": {"replicas": 9}}));
    cache.put(KIND, &copy).unwrap();
    assert!(cache.of(&key("x")).rollout().is_none());
    cache.put(KIND, &deployment("u", 2, 1)).unwrap();
    assert_eq!(cache.of(&key("x")).rollout().unwrap().unwrap().replicas, 1);
}

#[test]
fn what_a_new_list_lacks_is_gone() {
    let mut cache = OwnedObjectsCache::default();
    observe(&mut cache, &Event::Apply(deployment("u", 1, 1)));
    let other = object("y-chatbox", "v", 2, "y", json!({}));
    observe(&mut cache, &Event::Apply(other));
    observe(&mut cache, &Event::Init);
    assert_eq!(
        observe(&mut cache, &Event::InitApply(deployment("u", 1, 1))),
        keys(&[])
    );
    assert_eq!(observe(&mut cache, &Event::InitDone), keys(&["y"]));
}

#[test]
fn an_object_that_changes_its_chatbox_triggers_both() {
    let mut cache = OwnedObjectsCache::default();
    observe(&mut cache, &Event::Apply(deployment("u", 1, 1)));
    let moved = object("x-chatbox", "u", 2, "z", json!({}));
    assert_eq!(observe(&mut cache, &Event::Apply(moved)), keys(&["x", "z"]));
    assert!(cache.of(&key("x")).iter().next().is_none());
}

#[test]
fn the_controller_takes_precedence_over_the_label() {
    let mut owned = deployment("u", 1, 1);
    owned.metadata.owner_references = Some(vec![serde_json::from_value(json!({
        "apiVersion": "chatbox.dev/v1alpha1", "kind": "Chatbox", "name": "real", "uid": "c", "controller": true,
    })).unwrap()]);
    let mut cache = OwnedObjectsCache::default();
    assert_eq!(observe(&mut cache, &Event::Apply(owned)), keys(&["real"]));
}

#[test]
fn an_api_that_disappears_takes_its_objects_along() {
    let mut cache = OwnedObjectsCache::default();
    observe(&mut cache, &Event::Apply(deployment("u", 1, 1)));
    let config_map = object("c", "c", 2, "y", json!({}));
    let event = Event::Apply(config_map);
    cache.observe(Kind::CONFIG_MAP, &event).unwrap();
    assert_eq!(cache.clear(KIND), keys(&["x"]));
    assert_eq!(cache.clear(KIND), keys(&[]));
    assert_eq!(cache.of(&key("y")).iter().count(), 1);
}

#[test]
fn an_object_without_a_version_is_an_error() {
    let mut cache = OwnedObjectsCache::default();
    let mut incomplete = deployment("u", 1, 1);
    incomplete.metadata.resource_version = None;
    let error = cache.observe(KIND, &Event::Apply(incomplete)).unwrap_err();
    assert!(error.to_string().contains("resourceVersion"), "{error}");
}
