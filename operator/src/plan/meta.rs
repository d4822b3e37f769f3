//! Labels, owners and the rest of what every object carries.

use std::collections::BTreeMap;

use crds::chatbox::DeletionPolicy;
use crds::runtime::FIELD_MANAGER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::validate::ValidatedChatbox;

pub const NAME: &str = "app.kubernetes.io/name";
pub const INSTANCE: &str = "app.kubernetes.io/instance";
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// On the Deployment: the image that was chosen. What the container says is no choice, somebody may have edited it.
pub const IMAGE: &str = "chatbox.dev/image";

/// The value of [`NAME`].
pub const APP: &str = "chatbox";

/// What selects the pods, and never changes: a Deployment's selector cannot.
pub fn selector(chatbox: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (NAME.to_owned(), APP.to_owned()),
        (INSTANCE.to_owned(), chatbox.to_owned()),
    ])
}

/// The same as text.
pub fn selector_text(chatbox: &str) -> String {
    let pairs = selector(chatbox).into_iter();
    let texts: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    texts.join(",")
}

/// What every object and every pod carries.
pub fn labels(chatbox: &str) -> BTreeMap<String, String> {
    let mut labels = selector(chatbox);
    labels.insert(MANAGED_BY.to_owned(), FIELD_MANAGER.to_owned());
    labels
}

/// What our watches ask for.
pub fn watched() -> String {
    format!("{MANAGED_BY}={FIELD_MANAGER}")
}

/// An object that goes with its Chatbox.
pub fn owned(valid: &ValidatedChatbox, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: valid.namespace.clone(),
        labels: Some(labels(&valid.name)),
        owner_references: valid.owner.clone().map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// An object that holds what cannot be made again: it goes with its Chatbox only if the admin said so. A change of the
/// policy takes effect when it is applied, because the reference then comes or goes.
pub fn retained(valid: &ValidatedChatbox, name: String) -> ObjectMeta {
    let meta = owned(valid, name);
    match valid.deletion_policy {
        DeletionPolicy::Delete => meta,
        DeletionPolicy::Retain => ObjectMeta {
            owner_references: None,
            ..meta
        },
    }
}
