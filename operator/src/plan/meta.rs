//! Labels, owners and the rest of the metadata of every object.
//!
//! The identity is one label of our own group, [`NAME_LABEL`] with the name of the Chatbox: it selects the pods, it
//! leads from an object back to its Chatbox, and by it retained objects are adopted. A name is at most 50 characters
//! long and in the form of a DNS label, so it is a valid label value as it is; objects of two Chatboxes of one name lie
//! in different namespaces, and no selector reaches beyond its namespace.
//!
//! The recommended labels of Kubernetes (`app.kubernetes.io/…`) are for people and tools. Anybody else's objects may
//! carry the same values, so nothing is decided by them:
//!
//! - Objects with an owner carry all of them.
//! - Pods carry no `instance`: the Service of a Helm release selects by `name` and `instance`, and one of a chart named
//!   `chatbox` must not send its clients to our pods.
//! - Retained objects have no owner, and so carry none of them: tools that track objects by such a label, as Argo CD
//!   does by `instance`, prune what has the label and no owner.

use std::collections::BTreeMap;

use crds::chatbox::DeletionPolicy;
use crds::runtime::{FIELD_MANAGER, NAME_LABEL};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::validate::ValidatedChatbox;

const NAME: &str = "app.kubernetes.io/name";
const INSTANCE: &str = "app.kubernetes.io/instance";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The recommended labels that our objects carry.
pub const RECOMMENDED: [&str; 3] = [NAME, INSTANCE, MANAGED_BY];

/// The value of [`NAME`].
const APP: &str = "chatbox";

/// Selects the pods. It never changes: the selector of a Deployment is immutable.
pub fn selector(chatbox: &str) -> BTreeMap<String, String> {
    map([(NAME_LABEL, chatbox)])
}

/// Labels of the pods.
pub fn pod_labels(chatbox: &str) -> BTreeMap<String, String> {
    map([
        (NAME_LABEL, chatbox),
        (NAME, APP),
        (MANAGED_BY, FIELD_MANAGER),
    ])
}

/// Metadata of an object that is deleted with its Chatbox.
pub fn owned(chatbox: &ValidatedChatbox, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: chatbox.namespace.clone(),
        labels: Some(map([
            (NAME_LABEL, &chatbox.name),
            (NAME, APP),
            (INSTANCE, &chatbox.name),
            (MANAGED_BY, FIELD_MANAGER),
        ])),
        owner_references: chatbox.owner.clone().map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// Metadata of an object that holds data or keys. Its owner follows the deletion policy, as `retention` has settled before.
pub fn retained(chatbox: &ValidatedChatbox, name: String) -> ObjectMeta {
    match chatbox.deletion_policy {
        DeletionPolicy::Delete => owned(chatbox, name),
        DeletionPolicy::Retain => without_owner(chatbox, name),
    }
}

/// Metadata of an object that stays when its Chatbox is deleted.
pub fn without_owner(chatbox: &ValidatedChatbox, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: chatbox.namespace.clone(),
        labels: Some(map([(NAME_LABEL, &chatbox.name)])),
        ..ObjectMeta::default()
    }
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
