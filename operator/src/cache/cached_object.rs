//! The compact record of one object: its owner, whether it is as it was applied, and what the status needs. Pure.

use crds::Config;
use crds::runtime::{CONFIG_HASH, CONFIG_KEY, NAME_LABEL};
use k8s_openapi::api::apps::v1::{DeploymentCondition, DeploymentSpec, DeploymentStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::core::DynamicObject;
use serde::Deserialize;
use serde_json::Value;

use super::managed_fields::{self, Digest};
use super::pod_failure::{self, PodFailure};
use crate::claim::{ClaimPhase, Growth, GrowthKind, LiveClaim};
use crate::kind::Kind;
use crate::names::{CONFIG_VOLUME, CONTAINER, IMAGE_ANNOTATION, SECRETS_VOLUME};
use crate::stored::{Incomplete, Stored};
use crate::text;

/// Bytes of one message of the storage.
const STORAGE_MESSAGE_BYTES: usize = 500;

/// An object of a Chatbox, in a few hundred bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct CachedObject {
    pub uid: String,
    /// Orders two records of one object.
    pub version: u64,
    /// Its controller.
    pub owner: Option<Owner>,
    /// The uids of all its owners: it is deleted when none of them is left, whichever is the controller.
    pub owners: Vec<String>,
    /// The Chatbox among its owners, which may have been edited or restored to be no longer its controller.
    pub owning_chatbox: Option<String>,
    /// The Chatbox that our label names.
    pub label: Option<String>,
    pub terminating: bool,
    /// Our field manager has created or applied fields of it.
    pub managed: bool,
    /// It has done so since the object was created, so this is not what a backup has restored.
    pub written_here: bool,
    /// Digest of the fields that our field manager has applied; none if it has applied nothing.
    pub applied: Option<Digest>,
    pub detail: Detail,
}

/// The controller of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub group: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// What else is needed of some kinds.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    None,
    /// `Config::hash` of the document in a ConfigMap; none if this release cannot parse it.
    Config(Option<String>),
    /// Or why it cannot be decoded.
    Deployment(Result<Box<Rollout>, String>),
    Pod(Pod),
    Claim(LiveClaim),
}

/// State of the rollout of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    pub generation: Option<i64>,
    pub observed_generation: Option<i64>,
    /// Somebody has paused it.
    pub is_paused: bool,
    pub desired: i32,
    pub replicas: i32,
    pub updated: i32,
    pub ready: i32,
    pub available: i32,
    /// Message of the condition `Progressing` when it is false: the progress deadline is exceeded.
    pub stalled: Option<String>,
    /// Message of the condition `ReplicaFailure`: pods cannot be created.
    pub replica_failure: Option<String>,
    pub image: Option<String>,
    /// The image that the operator chose, whatever the container has been edited to.
    pub chosen_image: Option<String>,
    pub config_map: Option<String>,
    pub config_hash: Option<String>,
    /// Names of the Secrets that the pods have mounted at our place.
    pub secrets: Vec<String>,
}

/// State of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    /// The config hash that it was created with.
    pub config_hash: Option<String>,
    /// Its node, if it is being deleted: no change of a pod that stays is told for that.
    pub node: Option<String>,
    /// When it should have ended, if it is being deleted.
    pub ends: Option<String>,
    /// It has ended for good, and another has taken its place.
    pub is_over: bool,
    /// Its volumes and its network are being set up.
    pub is_being_set_up: bool,
    pub failure: Option<PodFailure>,
}

impl CachedObject {
    pub fn new(kind: Kind, object: &DynamicObject) -> Result<Self, Incomplete> {
        Ok(Self {
            detail: detail(kind, object),
            ..Self::of_metadata(kind, &object.metadata, &object.data)?
        })
    }

    /// A record of an object of which only the metadata is known.
    pub fn metadata_only(kind: Kind, metadata: &ObjectMeta) -> Result<Self, Incomplete> {
        Self::of_metadata(kind, metadata, &Value::Null)
    }

    fn of_metadata(kind: Kind, metadata: &ObjectMeta, data: &Value) -> Result<Self, Incomplete> {
        let Stored { uid, version, .. } = Stored::new(kind.name(), metadata)?;
        Ok(Self {
            uid,
            version,
            owner: controller(metadata),
            owners: owners(metadata),
            owning_chatbox: owning_chatbox(metadata),
            label: label(metadata),
            terminating: metadata.deletion_timestamp.is_some(),
            managed: managed_fields::is_ours(metadata),
            written_here: managed_fields::is_written_here(metadata),
            applied: managed_fields::of_live(metadata, data),
            detail: Detail::None,
        })
    }

    /// Whether the operator may write it on behalf of this Chatbox.
    ///
    /// Its controller decides. Without one, as after `kubectl delete --cascade=orphan`, it is ours if our field manager has
    /// written fields of it. Retained objects outlive their Chatbox, or come from a backup: our label says which Chatbox may
    /// adopt them.
    pub fn belongs_to(&self, kind: Kind, chatbox: &Stored) -> bool {
        if let Some(owner) = &self.owner {
            return owner.uid == chatbox.uid;
        }
        let name = &chatbox.namespaced_name.name;
        self.managed || kind.is_retained() && self.label.as_ref() == Some(name)
    }

    /// Whether its owner is a deleted Chatbox of the same name: the garbage collector will delete it.
    pub fn is_orphan_of(&self, chatbox: &Stored) -> bool {
        self.owner.as_ref().is_some_and(|owner| {
            owner.is(Kind::CHATBOX)
                && owner.name == chatbox.namespaced_name.name
                && owner.uid != chatbox.uid
        })
    }

    /// Whether a backup has restored it with the owner of then. The garbage collector would delete it, and nobody has asked for
    /// that; what we have written here goes with its Chatbox, as the policy of that asked.
    pub fn is_restored_of(&self, chatbox: &Stored) -> bool {
        self.is_orphan_of(chatbox) && !self.written_here && !self.terminating
    }

    /// Name of the Chatbox that a change of it concerns.
    pub fn chatbox(&self) -> Option<&str> {
        match &self.owner {
            Some(owner) if owner.is(Kind::CHATBOX) => Some(&owner.name),
            // Without the label too: it is deleted with each of its owners.
            _ => self.label.as_deref().or(self.owning_chatbox.as_deref()),
        }
    }
}

impl Owner {
    /// Another API group may have a kind of the same name.
    pub fn is(&self, kind: Kind) -> bool {
        self.group == kind.definition().group && self.kind == kind.name()
    }
}

fn owners(metadata: &ObjectMeta) -> Vec<String> {
    let owners = metadata.owner_references.iter().flatten();
    owners.map(|owner| owner.uid.clone()).collect()
}

fn owning_chatbox(metadata: &ObjectMeta) -> Option<String> {
    let owners = metadata.owner_references.iter().flatten();
    let mut owners = owners.map(owner).filter(|owner| owner.is(Kind::CHATBOX));
    owners.next().map(|owner| owner.name)
}

fn controller(metadata: &ObjectMeta) -> Option<Owner> {
    let mut owners = metadata.owner_references.iter().flatten();
    owners
        .find(|owner| owner.controller == Some(true))
        .map(owner)
}

fn owner(reference: &OwnerReference) -> Owner {
    // The version of a kind of the core API stands alone.
    let (group, _) = reference.api_version.split_once('/').unwrap_or_default();
    Owner {
        group: group.to_owned(),
        kind: reference.kind.clone(),
        name: reference.name.clone(),
        uid: reference.uid.clone(),
    }
}

fn label(metadata: &ObjectMeta) -> Option<String> {
    metadata.labels.as_ref()?.get(NAME_LABEL).cloned()
}

fn annotation(metadata: &ObjectMeta, name: &str) -> Option<String> {
    metadata.annotations.as_ref()?.get(name).cloned()
}

fn detail(kind: Kind, object: &DynamicObject) -> Detail {
    if kind == Kind::CONFIG_MAP {
        Detail::Config(config_hash(&object.data))
    } else if kind == Kind::DEPLOYMENT {
        let rollout = rollout(object).map(Box::new);
        Detail::Deployment(rollout.map_err(|error| crds::config::reason(&error)))
    } else if kind == Kind::POD {
        Detail::Pod(pod(object))
    } else if kind == Kind::PERSISTENT_VOLUME_CLAIM {
        Detail::Claim(claim(object))
    } else {
        Detail::None
    }
}

fn pod(object: &DynamicObject) -> Pod {
    let (metadata, status) = (&object.metadata, &object.data["status"]);
    let deletion = metadata.deletion_timestamp.as_ref();
    Pod {
        name: metadata.name.clone().unwrap_or_default(),
        config_hash: annotation(metadata, CONFIG_HASH),
        node: deletion.and(object.data["spec"]["nodeName"].as_str().map(str::to_owned)),
        ends: deletion.map(|time| time.0.to_string()),
        is_over: status["phase"] == "Failed",
        is_being_set_up: pod_failure::is_being_set_up(status),
        failure: pod_failure::of(status),
    }
}

fn config_hash(data: &Value) -> Option<String> {
    let document = data["data"][CONFIG_KEY].as_str()?;
    Some(Config::parse(document).ok()?.config.hash())
}

fn claim(object: &DynamicObject) -> LiveClaim {
    let (spec, status) = (&object.data["spec"], &object.data["status"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let access_modes = spec["accessModes"].as_array().into_iter().flatten();
    let is_bound = status["phase"] == "Bound";
    LiveClaim {
        access_modes: access_modes.filter_map(text).collect(),
        storage_class_name: text(&spec["storageClassName"]),
        is_class_applied: managed_fields::has_applied(
            &object.metadata,
            &["f:spec", "f:storageClassName"],
        ),
        request: text(&spec["resources"]["requests"]["storage"]),
        capacity: text(&status["capacity"]["storage"]).filter(|_| is_bound),
        phase: match status["phase"].as_str() {
            Some("Pending") => ClaimPhase::Pending,
            Some("Lost") => ClaimPhase::Lost,
            // Where nothing is said, nothing may be given up.
            _ => ClaimPhase::Bound,
        },
        has_source: ["volumeName", "dataSource", "dataSourceRef"]
            .iter()
            .any(|field| !spec[field].is_null()),
        is_block: spec["volumeMode"] == "Block",
        growth: growth(status),
    }
}

fn growth(status: &Value) -> Vec<Growth> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let growth = |condition: &Value| {
        let kind = match condition["type"].as_str()? {
            "Resizing" => GrowthKind::Resizing,
            "FileSystemResizePending" => GrowthKind::FileSystemPending,
            "ControllerResizeError" | "NodeResizeError" => GrowthKind::Failed,
            _ => return None,
        };
        let message = condition["message"].as_str().unwrap_or_default();
        let message = text::shorten(&text::join_lines(message), STORAGE_MESSAGE_BYTES);
        (condition["status"] == "True").then_some(Growth { kind, message })
    };
    conditions.filter_map(growth).collect()
}

fn rollout(object: &DynamicObject) -> serde_json::Result<Rollout> {
    let spec = DeploymentSpec::deserialize(&object.data["spec"])?;
    let status = Option::<DeploymentStatus>::deserialize(&object.data["status"])?;
    // A Deployment that no controller has seen has no status, and no pods.
    let status = status.unwrap_or_default();
    let condition = |type_: &str, state: &str| {
        let mut conditions = status.conditions.iter().flatten();
        conditions.find(|condition| condition.type_ == type_ && condition.status == state)
    };
    let message = |condition: &DeploymentCondition| condition.message.clone().unwrap_or_default();
    let template = spec.template.metadata.as_ref();
    let pod = spec.template.spec.as_ref();
    let mut containers = pod.iter().flat_map(|pod| &pod.containers);
    let container = containers.find(|container| container.name == CONTAINER);
    let mut volumes = pod.iter().flat_map(|pod| &pod.volumes).flatten();
    // Others may have put volumes of theirs before it.
    let volume = volumes.find(|volume| volume.name == CONFIG_VOLUME);
    let config_map = volume.and_then(|volume| volume.config_map.as_ref());
    let mut volumes = pod.iter().flat_map(|pod| &pod.volumes).flatten();
    let secrets = volumes.find(|volume| volume.name == SECRETS_VOLUME);
    let secrets = secrets.and_then(|volume| volume.projected.as_ref()?.sources.as_ref());
    let secrets = secrets.into_iter().flatten();
    Ok(Rollout {
        generation: object.metadata.generation,
        observed_generation: status.observed_generation,
        is_paused: spec.paused == Some(true),
        // The default of the API server.
        desired: spec.replicas.unwrap_or(1),
        // A count that is zero is left out.
        replicas: status.replicas.unwrap_or(0),
        updated: status.updated_replicas.unwrap_or(0),
        ready: status.ready_replicas.unwrap_or(0),
        available: status.available_replicas.unwrap_or(0),
        stalled: condition("Progressing", "False").map(message),
        replica_failure: condition("ReplicaFailure", "True").map(message),
        image: container.and_then(|container| container.image.clone()),
        chosen_image: annotation(&object.metadata, IMAGE_ANNOTATION),
        config_map: config_map.map(|source| source.name.clone()),
        config_hash: template.and_then(|metadata| annotation(metadata, CONFIG_HASH)),
        secrets: secrets
            .filter_map(|source| Some(source.secret.as_ref()?.name.clone()))
            .collect(),
    })
}

#[cfg(test)]
mod tests;
