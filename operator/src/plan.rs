//! Everything that one Chatbox becomes. Pure and infallible: what could be wrong was found by `validate`.

pub mod config_map;
pub mod deployment;
pub mod meta;
pub mod pod;
pub mod pvc;
pub mod secret;
pub mod service;
pub mod service_account;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount,
};
use serde::Serialize;
use serde_json::Value;

use crate::kind::Kind;
use crate::validate::ValidatedChatbox;

/// The objects of one Chatbox, as they are to be.
#[derive(Clone, Debug)]
pub struct Plan {
    pub service_account: ServiceAccount,
    pub keys: Option<Keys>,
    pub pvc: Option<PersistentVolumeClaim>,
    pub config_map: ConfigMap,
    pub service: Service,
    pub deployment: Deployment,
}

/// The generated Secret. Its value is written once and by nobody else; only its metadata is kept in line.
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
    pub body: Value,
}

pub fn plan(valid: &ValidatedChatbox) -> Plan {
    Plan {
        service_account: service_account::build(valid),
        keys: secret::build(valid),
        pvc: pvc::build(valid),
        config_map: config_map::build(valid),
        service: service::build(valid),
        deployment: deployment::build(valid),
    }
}

impl Plan {
    /// The objects in the order in which they are applied: what pods need comes before the pods.
    pub fn objects(&self) -> Vec<Object> {
        let service_account = object(Kind::ServiceAccount, &self.service_account);
        let keys = self
            .keys
            .as_ref()
            .map(|keys| object(Kind::Secret, &keys.metadata));
        let pvc = self
            .pvc
            .as_ref()
            .map(|pvc| object(Kind::PersistentVolumeClaim, pvc));
        let config_map = object(Kind::ConfigMap, &self.config_map);
        let service = object(Kind::Service, &self.service);
        let deployment = object(Kind::Deployment, &self.deployment);
        [
            Some(service_account),
            keys,
            pvc,
            Some(config_map),
            Some(service),
            Some(deployment),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn object(kind: Kind, typed: &impl Serialize) -> Object {
    // Kubernetes types are structs, strings, numbers, lists and maps of them: they always have a JSON form.
    let body = serde_json::to_value(typed).unwrap_or_default();
    let name = body["metadata"]["name"].as_str().unwrap_or_default();
    Object {
        kind,
        name: name.to_owned(),
        body,
    }
}

#[cfg(test)]
mod tests;
