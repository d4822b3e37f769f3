//! A Chatbox whose spec may be unreadable. Decoding never fails as a whole: one object that this release cannot read must
//! not end the watch for all others, and its status must tell the author.
//!
//! `kube::core::DeserializeGuard` does the same, but its message repeats values, which may be secrets, and names no field.

use std::borrow::Cow;

use crds::{Chatbox, ChatboxSpec, ChatboxStatus, Problem};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::identity::Identity;
use crate::namespaced_name::NamespacedName;
use crate::stored::{Incomplete, Stored};

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
    /// Its key; a Chatbox of a file that is rendered may have no namespace.
    pub fn namespaced_name(&self) -> NamespacedName {
        NamespacedName {
            namespace: self.metadata.namespace.clone().unwrap_or_default(),
            name: self.metadata.name.clone().unwrap_or_default(),
        }
    }

    /// What it is known by in a cluster.
    pub fn stored(&self) -> Result<Stored, Incomplete> {
        Stored::new(&Chatbox::kind(&()), &self.metadata)
    }

    pub fn is_terminating(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    pub fn identity(&self) -> Identity {
        let NamespacedName { name, .. } = self.namespaced_name();
        // Without `blockOwnerDeletion`, which would need a right on the finalizers of Chatboxes and has no use here.
        let owner = self.metadata.uid.as_ref().map(|uid| OwnerReference {
            api_version: Chatbox::api_version(&()).into_owned(),
            kind: Chatbox::kind(&()).into_owned(),
            name: name.clone(),
            uid: uid.clone(),
            controller: Some(true),
            block_owner_deletion: None,
        });
        Identity {
            name,
            namespace: self.metadata.namespace.clone(),
            owner,
        }
    }
}

impl<'de> Deserialize<'de> for GuardedChatbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let metadata = ObjectMeta {
            // Larger than the rest, and nothing reads them.
            annotations: None,
            labels: None,
            managed_fields: None,
            ..raw.metadata
        };
        let spec = serde_path_to_error::deserialize(raw.spec).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            Problem::new(path, crds::config::reason(error.inner())).under("spec")
        });
        Ok(Self {
            metadata,
            spec,
            // The operator writes the status: one that it cannot read is overwritten.
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
    fn an_unreadable_spec_is_reported_by_its_field_and_without_its_value() {
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
            let chatbox: GuardedChatbox = serde_json::from_value(value).unwrap();
            assert_eq!(chatbox.spec.unwrap_err().to_string(), expected);
        }
    }
}
