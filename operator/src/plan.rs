//! The desired objects of one Chatbox. Pure and infallible: what could be wrong was found by `validate`.

pub mod config_map;
pub mod deployment;
pub mod meta;
pub mod pod;
pub mod pvc;
pub mod secret;
pub mod service;
pub mod service_account;

use crds::runtime::NAME_LABEL;
use k8s_openapi::Metadata;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::kind::Kind;
use crate::validate::ValidatedChatbox;

/// The desired objects of one Chatbox.
#[derive(Clone, Debug)]
pub struct Plan {
    pub service_account: ServiceAccount,
    pub signing_key: Option<Keys>,
    pub encryption_key: Option<Keys>,
    pub pvc: Option<PersistentVolumeClaim>,
    pub config_map: ConfigMap,
    pub service: Service,
    pub deployment: Deployment,
}

/// A generated Secret. Its value is written once, when it is created; later only its metadata is applied.
#[derive(Clone)]
pub struct Keys {
    /// The whole Secret with its value, when it does not exist yet.
    pub create: Option<Secret>,
    pub metadata: Secret,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// One object in the form in which it is applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub kind: Kind,
    pub name: String,
    /// Name of the Chatbox.
    pub chatbox: String,
    pub body: Value,
}

/// Cannot happen: the types of Kubernetes are structs, strings, numbers, and lists and maps of them.
#[derive(Debug, Error)]
#[error("{kind} cannot be applied: {reason}")]
pub struct Unserializable {
    kind: Kind,
    reason: String,
}

pub fn plan(chatbox: &ValidatedChatbox) -> Plan {
    Plan {
        service_account: service_account::build(chatbox),
        signing_key: secret::signing(chatbox),
        encryption_key: secret::encryption(chatbox),
        pvc: pvc::build(chatbox),
        config_map: config_map::build(chatbox),
        service: service::build(chatbox),
        deployment: deployment::build(chatbox),
    }
}

impl Plan {
    /// The objects in the order in which they are applied: what pods need comes before the pods.
    pub fn objects(&self) -> Result<Vec<Object>, Unserializable> {
        // Without `..`: a kind that is forgotten here does not compile.
        let Self {
            service_account,
            signing_key,
            encryption_key,
            pvc,
            config_map,
            service,
            deployment,
        } = self;
        let keys = |keys: &Option<Keys>| {
            let keys = keys.as_ref();
            keys.map(|keys| object(Kind::SECRET, &keys.metadata))
        };
        let objects = [
            Some(object(Kind::SERVICE_ACCOUNT, service_account)),
            keys(signing_key),
            keys(encryption_key),
            pvc.as_ref()
                .map(|pvc| object(Kind::PERSISTENT_VOLUME_CLAIM, pvc)),
            Some(object(Kind::CONFIG_MAP, config_map)),
            Some(object(Kind::SERVICE, service)),
            Some(object(Kind::DEPLOYMENT, deployment)),
        ];
        objects.into_iter().flatten().collect()
    }

    /// The generated Secrets with their values, of those that do not exist yet.
    pub fn new_secrets(&self) -> Vec<&Secret> {
        let keys = [&self.signing_key, &self.encryption_key];
        keys.into_iter()
            .flatten()
            .filter_map(|keys| keys.create.as_ref())
            .collect()
    }
}

fn object<K>(kind: Kind, typed: &K) -> Result<Object, Unserializable>
where
    K: Serialize + Metadata<Ty = ObjectMeta>,
{
    let failure = |reason: String| Unserializable { kind, reason };
    let body = serde_json::to_value(typed).map_err(|error| failure(error.to_string()))?;
    let metadata = typed.metadata();
    let label = metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(NAME_LABEL));
    Ok(Object {
        kind,
        name: metadata
            .name
            .clone()
            .ok_or_else(|| failure("it has no name".to_owned()))?,
        chatbox: label
            .cloned()
            .ok_or_else(|| failure("it has not our label".to_owned()))?,
        body,
    })
}

#[cfg(test)]
mod tests;
