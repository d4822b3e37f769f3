//! A Chatbox as the watch delivers it. Decoding never fails as a whole: one object that this release cannot read must
//! not end the watch for all others, and its author must be told.

use std::borrow::Cow;

use crds::{Chatbox, ChatboxSpec, ChatboxStatus, Problem};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::identity::Identity;
use crate::namespaced_name::NamespacedName;

/// A Chatbox whose spec may be unreadable.
#[derive(Clone, Debug)]
pub struct GuardedChatbox {
    pub metadata: ObjectMeta,
    pub spec: Result<ChatboxSpec, Problem>,
    pub status: ChatboxStatus,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

impl GuardedChatbox {
    pub fn namespaced_name(&self) -> NamespacedName {
        NamespacedName {
            namespace: self.metadata.namespace.clone().unwrap_or_default(),
            name: self.metadata.name.clone().unwrap_or_default(),
        }
    }

    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    pub fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or_default()
    }

    pub fn identity(&self) -> Identity {
        // Without `blockOwnerDeletion`: it would need a right on the Chatbox's finalizers and gain nothing.
        let owner = self.metadata.uid.as_ref().map(|uid| OwnerReference {
            api_version: Chatbox::api_version(&()).into_owned(),
            kind: Chatbox::kind(&()).into_owned(),
            name: self.namespaced_name().name,
            uid: uid.clone(),
            controller: Some(true),
            block_owner_deletion: None,
        });
        Identity {
            name: self.namespaced_name().name,
            namespace: self.metadata.namespace.clone(),
            owner,
        }
    }
}

impl<'de> Deserialize<'de> for GuardedChatbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut raw = Raw::deserialize(deserializer)?;
        // As large as the rest, and nothing reads it.
        raw.metadata.managed_fields = None;
        let spec = serde_path_to_error::deserialize(raw.spec).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            Problem::new(path, crds::config::reason(error.inner())).under("spec")
        });
        Ok(Self {
            metadata: raw.metadata,
            spec,
            // Ours to write: what cannot be read is written anew.
            status: serde_json::from_value(raw.status).unwrap_or_default(),
        })
    }
}

impl Resource for GuardedChatbox {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(dt: &()) -> Cow<'_, str> {
        Chatbox::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        Chatbox::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        Chatbox::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        Chatbox::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_by_its_field_and_never_by_its_value() {
        let rows = [
            (
                "models: [{id: a, name: A, openai: {model: m, apiKey: sk-hunter2}}]",
                "spec.config.models[0].openai.apiKey: has the wrong type, expected struct SecretRef",
            ),
            (
                "models: hunter2",
                "spec.config.models: has the wrong type, expected a sequence",
            ),
            ("models: []", "spec.config: missing field `storage`"),
        ];
        for (config, expected) in rows {
            let yaml = format!("metadata: {{name: x}}\nspec: {{config: {{{config}}}}}");
            let value: Value = serde_saphyr::from_str(&yaml).unwrap();
            let watched: GuardedChatbox = serde_json::from_value(value).unwrap();
            assert_eq!(watched.spec.unwrap_err().to_string(), expected);
        }
    }
}
