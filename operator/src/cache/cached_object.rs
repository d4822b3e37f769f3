//! One object of a Chatbox as we remember it: who owns it, whether it is as we applied it, and what the status tells.

use crds::Config;
use crds::runtime::{CONFIG_HASH, CONFIG_KEY};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DynamicObject;
use serde_json::Value;

use super::managed_fields::{self, Digest};
use super::pod_failure::{self, PodFailure};
use crate::kind::Kind;
use crate::plan::meta::{IMAGE, INSTANCE, MANAGED_BY};
use crate::plan::pod::CONTAINER;

/// One object of a Chatbox, in a few hundred bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedObject {
    pub uid: String,
    /// The object's resource version: tells which of two records is the newer one.
    pub version: u64,
    /// Its controller.
    pub owner: Option<Owner>,
    /// The Chatbox that its labels name, if they say that we made it.
    pub instance: Option<String>,
    /// It is being deleted.
    pub terminating: bool,
    /// Digest of the fields that we own; none if we never applied it.
    pub owned: Option<Digest>,
    pub detail: Detail,
}

/// The controller of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// What else must be known of some kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    None,
    /// `Config::hash` of the document in a ConfigMap as this release reads it.
    Config(Option<String>),
    Deployment(Box<Rollout>),
    Pod(Pod),
}

/// How far a Deployment is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    pub generation: i64,
    pub observed_generation: i64,
    pub desired: i32,
    pub replicas: i32,
    pub updated: i32,
    pub ready: i32,
    pub available: i32,
    /// Why it goes no further: the progress deadline has passed.
    pub stalled: Option<String>,
    /// Why pods cannot be made.
    pub replica_failure: Option<String>,
    pub image: Option<String>,
    /// The image that we chose, whatever the container has become.
    pub chosen_image: Option<String>,
    pub config_map: Option<String>,
    pub digest: Option<String>,
}

/// What a pod suffers from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    /// The digest that it was made for.
    pub digest: Option<String>,
    pub failure: Option<PodFailure>,
}

impl CachedObject {
    pub fn new(kind: Kind, object: &DynamicObject) -> Self {
        let meta = &object.metadata;
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta
                .resource_version
                .as_deref()
                .and_then(|version| version.parse().ok())
                .unwrap_or_default(),
            owner: controller(meta),
            instance: instance(meta),
            terminating: meta.deletion_timestamp.is_some(),
            owned: owned(object),
            detail: detail(kind, object),
        }
    }

    /// A record of an object of which only the metadata may be known.
    pub fn bare(kind: Kind, metadata: ObjectMeta) -> Self {
        let object = DynamicObject {
            types: None,
            metadata,
            data: Value::Null,
        };
        Self::new(kind, &object)
    }

    /// Whether we may write it on behalf of this Chatbox.
    ///
    /// What cannot be made again outlives its Chatbox, and then has no owner: the label says whose it was.
    pub fn belongs_to(&self, kind: Kind, name: &str, uid: &str) -> bool {
        match &self.owner {
            Some(owner) => owner.uid == uid,
            None => {
                self.owned.is_some() || kind.is_retained() && self.instance.as_deref() == Some(name)
            }
        }
    }

    /// Whether it is left over from a Chatbox of this name that was deleted: it will go by itself.
    pub fn is_left_over(&self, name: &str, uid: &str) -> bool {
        self.owner
            .as_ref()
            .is_some_and(|owner| owner.kind == "Chatbox" && owner.name == name && owner.uid != uid)
    }

    /// Name of the Chatbox that it leads back to.
    pub fn chatbox(&self) -> Option<&str> {
        match &self.owner {
            Some(owner) if owner.kind == "Chatbox" => Some(&owner.name),
            _ => self.instance.as_deref(),
        }
    }
}

fn controller(meta: &ObjectMeta) -> Option<Owner> {
    let mut owners = meta.owner_references.iter().flatten();
    let owner = owners.find(|owner| owner.controller == Some(true))?;
    Some(Owner {
        kind: owner.kind.clone(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
    })
}

fn instance(meta: &ObjectMeta) -> Option<String> {
    let labels = meta.labels.as_ref()?;
    let ours = labels.get(MANAGED_BY).map(String::as_str) == Some(crds::runtime::FIELD_MANAGER);
    ours.then(|| labels.get(INSTANCE).cloned()).flatten()
}

fn owned(object: &DynamicObject) -> Option<Digest> {
    let managed = object.metadata.managed_fields.as_ref()?;
    let mut live = object.data.clone();
    // Our fields of the metadata are of these kinds only.
    let meta = &object.metadata;
    live["metadata"] = serde_json::json!({
        "labels": meta.labels,
        "annotations": meta.annotations,
        "ownerReferences": meta.owner_references,
    });
    managed_fields::of_live(&live, managed)
}

fn detail(kind: Kind, object: &DynamicObject) -> Detail {
    match kind {
        Kind::ConfigMap => Detail::Config(config_hash(&object.data)),
        Kind::Deployment => Detail::Deployment(Box::new(rollout(object))),
        Kind::Pod => Detail::Pod(Pod {
            name: object.metadata.name.clone().unwrap_or_default(),
            digest: annotation(&object.metadata, CONFIG_HASH),
            failure: pod_failure::of(&object.data),
        }),
        _ => Detail::None,
    }
}

fn config_hash(data: &Value) -> Option<String> {
    let document = data["data"][CONFIG_KEY].as_str()?;
    Some(Config::parse(document).ok()?.config.hash())
}

fn annotation(meta: &ObjectMeta, name: &str) -> Option<String> {
    meta.annotations.as_ref()?.get(name).cloned()
}

fn rollout(object: &DynamicObject) -> Rollout {
    let Ok(deployment) = object.clone().try_parse::<Deployment>() else {
        return Rollout::default();
    };
    let spec = deployment.spec.unwrap_or_default();
    let status = deployment.status.unwrap_or_default();
    let condition = |type_: &str, state: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.find(|condition| condition.type_ == type_ && condition.status == state)
    };
    let message = |condition: &k8s_openapi::api::apps::v1::DeploymentCondition| {
        condition.message.clone().unwrap_or_default()
    };
    let template = spec.template.metadata.as_ref();
    let pod = spec.template.spec.unwrap_or_default();
    let container = pod
        .containers
        .into_iter()
        .find(|container| container.name == CONTAINER);
    let config_map = pod
        .volumes
        .into_iter()
        .flatten()
        .find_map(|volume| volume.config_map);
    Rollout {
        generation: deployment.metadata.generation.unwrap_or_default(),
        observed_generation: status.observed_generation.unwrap_or_default(),
        desired: spec.replicas.unwrap_or(1),
        replicas: status.replicas.unwrap_or_default(),
        updated: status.updated_replicas.unwrap_or_default(),
        ready: status.ready_replicas.unwrap_or_default(),
        available: status.available_replicas.unwrap_or_default(),
        stalled: condition("Progressing", "False").map(message),
        replica_failure: condition("ReplicaFailure", "True").map(message),
        chosen_image: annotation(&deployment.metadata, IMAGE),
        image: container.and_then(|container| container.image),
        config_map: config_map.map(|source| source.name),
        digest: template.and_then(|meta| annotation(meta, CONFIG_HASH)),
    }
}
