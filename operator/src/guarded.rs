//! A Chatbox whose spec may be unreadable. Decoding never fails as a whole: one object that this release cannot read must
//! not end the watch for all others, and its status must tell the author.
//!
//! `kube::core::DeserializeGuard` does the same, but its message repeats values, which may be secrets, and names no field.

use std::borrow::Cow;

use crds::chatbox::DeletionPolicy;
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
    /// Read by itself, because it protects data whatever else is wrong with the spec. A word that this release does not
    /// know deletes nothing.
    pub deletion_policy: DeletionPolicy,
    /// Which of the kept objects it uses, read by itself for the same reason.
    pub uses: Uses,
    /// Whether it asks for no pods, read by itself too: a server can be stopped whatever else is wrong.
    pub is_stopped: bool,
    pub status: ChatboxStatus,
}

/// The kept objects that a spec asks for. One that it does not ask for may hold the messages or the keys of an earlier Chatbox
/// of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    pub claim: bool,
    pub signing_key: bool,
    /// The generated encryption key, and the data that it is for goes with the Chatbox too.
    pub encryption_key: bool,
}

impl Uses {
    fn of(spec: &Value) -> Self {
        let config = &spec["config"];
        let sqlite = &config["storage"]["sqlite"];
        Self {
            // A claim is the default.
            claim: sqlite.is_object() && sqlite["volume"]["emptyDir"].is_null(),
            signing_key: config.is_object() && config["auth"]["hs256"].is_null(),
            encryption_key: sqlite.is_object()
                && config["encryption"].is_object()
                && config["encryption"]["keys"].is_null(),
        }
    }
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
        let owner = self.metadata.uid.as_ref().map(|uid| owner(&name, uid));
        Identity {
            name,
            namespace: self.metadata.namespace.clone(),
            owner,
        }
    }
}

/// The Chatbox of this name and uid as the owner of its objects.
pub fn owner(name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: Chatbox::api_version(&()).into_owned(),
        kind: Chatbox::kind(&()).into_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        // `kubectl delete --cascade=foreground` waits until the pods have ended.
        block_owner_deletion: Some(true),
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
        let policy = DeletionPolicy::deserialize(&raw.spec["deletionPolicy"]);
        let is_stopped = raw.spec["replicas"] == 0 && raw.spec["paused"] != true;
        let uses = Uses::of(&raw.spec);
        let spec = serde_path_to_error::deserialize(raw.spec).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            Problem::new(path, crds::config::reason(error.inner())).under("spec")
        });
        Ok(Self {
            metadata,
            spec,
            deletion_policy: policy.unwrap_or(DeletionPolicy::Retain),
            uses,
            is_stopped,
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
    fn the_deletion_policy_is_read_whatever_else_is_wrong() {
        for (spec, expected) in [
            ("deletionPolicy: Delete, config: 7", DeletionPolicy::Delete),
            (
                "deletionPolicy: Delete, replicas: many",
                DeletionPolicy::Delete,
            ),
            ("deletionPolicy: Retain, config: 7", DeletionPolicy::Retain),
            ("deletionPolicy: Archive", DeletionPolicy::Retain),
            ("deletionPolicy: null", DeletionPolicy::Retain),
            ("config: 7", DeletionPolicy::Retain),
        ] {
            let yaml = format!("metadata: {{name: x}}\nspec: {{{spec}}}");
            let chatbox: GuardedChatbox = serde_saphyr::from_str(&yaml).unwrap();
            assert!(chatbox.spec.is_err(), "{spec}");
            assert_eq!(chatbox.deletion_policy, expected, "{spec}");
        }
        let chatbox: GuardedChatbox = serde_saphyr::from_str("spec: 7").unwrap();
        assert_eq!(chatbox.deletion_policy, DeletionPolicy::Retain);
    }

    #[test]
    fn whether_it_is_stopped_is_read_whatever_else_is_wrong() {
        for (spec, expected) in [
            ("replicas: 0, config: 7", true),
            ("replicas: 0, paused: false", true),
            ("replicas: 0, paused: true", false),
            ("replicas: 1", false),
            ("replicas: none", false),
            ("config: 7", false),
        ] {
            let yaml = format!("spec: {{{spec}}}");
            let chatbox: GuardedChatbox = serde_saphyr::from_str(&yaml).unwrap();
            assert_eq!(chatbox.is_stopped, expected, "{spec}");
        }
    }

    #[test]
    fn what_it_uses_is_read_whatever_else_is_wrong() {
        let rows = [
            ("storage: {sqlite: {}}", true, true, false),
            (
                "storage: {sqlite: {volume: {claim: {}}}}, auth: {guests: {}}",
                true,
                true,
                false,
            ),
            (
                "storage: {sqlite: {volume: {emptyDir: {}}}}",
                false,
                true,
                false,
            ),
            (
                "storage: {sqlite: {volume: {claim: null, emptyDir: {}}}}",
                false,
                true,
                false,
            ),
            (
                "storage: {another: {}}, auth: {hs256: {keys: []}}",
                false,
                false,
                false,
            ),
            ("storage: {sqlite: {}}, models: 7", true, true, false),
            ("storage: {sqlite: {}}, encryption: {}", true, true, true),
            (
                "storage: {sqlite: {}}, encryption: {keys: null}",
                true,
                true,
                true,
            ),
            (
                "storage: {sqlite: {}}, encryption: {keys: []}",
                true,
                true,
                false,
            ),
            // Its database stays, and needs the key.
            ("storage: {mongodb: {}}, encryption: {}", false, true, false),
        ];
        for (config, claim, signing_key, encryption_key) in rows {
            let yaml = format!("spec: {{config: {{{config}}}}}");
            let chatbox: GuardedChatbox = serde_saphyr::from_str(&yaml).unwrap();
            let expected = Uses {
                claim,
                signing_key,
                encryption_key,
            };
            assert_eq!(chatbox.uses, expected, "{config}");
        }
        let chatbox: GuardedChatbox = serde_saphyr::from_str("spec: 7").unwrap();
        assert!(!chatbox.uses.claim && !chatbox.uses.signing_key);
    }

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
