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

/// Of the Deployment, as the status reports it.
fn replicas(cache: &OwnedObjectsCache) -> i32 {
    let objects = cache.of(&key("x"));
    objects.rollout(&x()).unwrap().unwrap().replicas
}

fn has_deployment(cache: &OwnedObjectsCache) -> bool {
    cache.of(&key("x")).rollout(&x()).is_some()
}

/// The Chatbox.
fn x() -> Stored {
    Stored {
        namespaced_name: key("x"),
        uid: "c".to_owned(),
        version: 1,
    }
}

fn owned_by(owner: &Value, mut object: DynamicObject) -> DynamicObject {
    object.metadata.owner_references = Some(vec![serde_json::from_value(owner.clone()).unwrap()]);
    object
}

/// An owner reference of [`x`].
fn owner() -> Value {
    json!({
        "apiVersion": "chatbox.dev/v1alpha1", "kind": "Chatbox", "name": "x", "uid": "c", "controller": true,
    })
}

fn deployment(uid: &str, version: u64, replicas: i32) -> DynamicObject {
    let data = json!({
        "spec": {"replicas": replicas, "selector": {}, "template": {}},
        "status": {"replicas": replicas},
    });
    owned_by(&owner(), object("x-chatbox", uid, version, "x", data))
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
    assert_eq!(replicas(&cache), 2);
}

#[test]
fn the_watch_does_not_undo_the_answer_to_a_write() {
    let mut cache = OwnedObjectsCache::default();
    cache.put(KIND, &deployment("u", 5, 2), is_change).unwrap();
    assert_eq!(
        observe(&mut cache, &Event::Apply(deployment("u", 4, 1))),
        keys(&[])
    );
    assert_eq!(replicas(&cache), 2);
}

/// The cluster is restored from a backup: a list shows an earlier version, and later events go on from there.
#[test]
fn a_list_is_the_truth_even_if_it_is_older() {
    let mut cache = OwnedObjectsCache::default();
    observe(&mut cache, &Event::Apply(deployment("u", 9, 2)));
    observe(&mut cache, &Event::Init);
    let event = Event::InitApply(deployment("u", 4, 1));
    assert_eq!(observe(&mut cache, &event), keys(&["x"]));
    assert_eq!(replicas(&cache), 1);
    observe(&mut cache, &Event::InitDone);
    observe(&mut cache, &Event::Apply(deployment("u", 5, 3)));
    assert_eq!(replicas(&cache), 3);
}

#[test]
fn a_deployment_of_somebody_else_is_not_ours() {
    let mut unowned = deployment("u", 1, 5);
    unowned.metadata.owner_references = None;
    let mut of_another = owner();
    of_another["uid"] = "d".into();
    for foreign in [unowned, owned_by(&of_another, deployment("u", 1, 5))] {
        let object = CachedObject::new(KIND, &foreign).unwrap();
        let objects = OwnedObjects::default().with(KIND, "x-chatbox", object);
        assert!(objects.rollout(&x()).is_none());
    }
}

#[test]
fn pods_are_those_of_our_replica_sets() {
    let rows = [
        (Some(("ReplicaSet", "x-chatbox-5d9f")), true),
        (Some(("ReplicaSet", "other-5d9f")), false),
        (Some(("Job", "x-chatbox-5d9f")), false),
        (None, false),
    ];
    for (owner, expected) in rows {
        let mut pod = object("p", "p", 1, "x", json!({"status": {}}));
        if let Some((kind, name)) = owner {
            let owner = json!({
                "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "r", "controller": true,
            });
            pod = owned_by(&owner, pod);
        }
        let pod = CachedObject::new(Kind::POD, &pod).unwrap();
        let objects = OwnedObjects::default().with(Kind::POD, "p", pod);
        assert_eq!(objects.pods(&x()).count() == 1, expected, "{owner:?}");
    }
}

/// The watch was faster than the answer to our own write.
#[test]
fn an_answer_does_not_bring_back_what_is_gone() {
    let mut cache = OwnedObjectsCache::default();
    observe(&mut cache, &Event::Apply(deployment("u", 1, 1)));
    cache.refresh(KIND, &deployment("u", 2, 5)).unwrap();
    assert_eq!(replicas(&cache), 5);
    observe(&mut cache, &Event::Delete(deployment("u", 3, 5)));
    cache.refresh(KIND, &deployment("u", 2, 5)).unwrap();
    assert!(!has_deployment(&cache));
    observe(&mut cache, &Event::Apply(deployment("next", 4, 1)));
    cache.refresh(KIND, &deployment("u", 2, 5)).unwrap();
    assert_eq!(replicas(&cache), 1);
}

#[test]
fn the_end_of_an_object_is_not_the_end_of_its_successor() {
    let mut cache = OwnedObjectsCache::default();
    cache
        .put(KIND, &deployment("new", 9, 1), is_change)
        .unwrap();
    assert_eq!(
        observe(&mut cache, &Event::Delete(deployment("old", 8, 1))),
        keys(&[])
    );
    assert!(has_deployment(&cache));
    assert_eq!(
        observe(&mut cache, &Event::Delete(deployment("new", 10, 1))),
        keys(&["x"])
    );
    assert!(!has_deployment(&cache));
}

#[test]
fn a_copy_of_the_deployment_is_not_taken_for_it() {
    let mut cache = OwnedObjectsCache::default();
    let copy = object("a-copy", "c", 1, "x", json!({"spec": {"replicas": 9}}));
    cache.put(KIND, &copy, is_change).unwrap();
    assert!(!has_deployment(&cache));
    cache.put(KIND, &deployment("u", 2, 1), is_change).unwrap();
    assert_eq!(replicas(&cache), 1);
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
    let rows = [("chatbox.dev/v1alpha1", "real"), ("chat.example/v1", "x")];
    for (api_version, expected) in rows {
        let mut owner = owner();
        owner["name"] = "real".into();
        owner["apiVersion"] = api_version.into();
        let owned = owned_by(&owner, deployment("u", 1, 1));
        let mut cache = OwnedObjectsCache::default();
        let changed = observe(&mut cache, &Event::Apply(owned));
        assert_eq!(changed, keys(&[expected]), "{api_version}");
    }
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
