//! From the Secrets that a Chatbox references to what is wrong with them, and to a digest of their values. Pure.
//!
//! Secret values come in here and do not leave.

pub mod digest;
pub mod value;

use std::collections::{BTreeMap, BTreeSet};

use crds::secret::{self, Use};
use crds::{ChatboxSpec, Config, Problem, SecretRef};
use k8s_openapi::api::core::v1 as core;

use crate::names;

pub use digest::SecretsDigest;
pub use value::{SigningKey, Value};

/// A Secret that a config references.
#[derive(Debug)]
pub enum Secret {
    /// It was not looked up: the plan is rendered without a cluster.
    Unknown,
    Missing,
    /// It has the name of a generated one, but the operator did not create it.
    Foreign {
        /// Kind and name of its controller.
        owner: Option<(String, String)>,
    },
    Found(BTreeMap<String, Value>),
}

/// What the Secrets of a Chatbox were resolved to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedSecrets {
    /// Fields are paths of the resource.
    pub problems: Vec<Problem>,
    /// None when a value is missing.
    pub digest: Option<SecretsDigest>,
}

/// The config that the server gets: the one of the spec, with the generated key where it names none.
pub fn effective_config(chatbox: &str, spec: &ChatboxSpec) -> Config {
    let generated = names::signing_key(chatbox);
    spec.config.clone().with_signing_key(generated)
}

/// Names of the Secrets that a config references.
pub fn names(config: &Config) -> BTreeSet<String> {
    let secrets = config.secrets().into_iter();
    secrets.map(|(_, secret, _)| secret.name.clone()).collect()
}

/// `effective` is the config that the server gets, and `secrets` holds every Secret that it references.
pub fn resolve(
    spec: &ChatboxSpec,
    effective: &Config,
    secrets: &BTreeMap<String, Secret>,
) -> ResolvedSecrets {
    ResolvedSecrets {
        problems: problems(spec, effective, secrets),
        digest: digest::digest(effective, |secret| value(secrets, secret)),
    }
}

impl Secret {
    /// The keys of a Secret that the config references; the others are dropped.
    pub fn found(name: &str, secret: core::Secret, config: &Config) -> Self {
        let referenced: BTreeSet<&str> = config
            .secrets()
            .into_iter()
            .filter(|(_, reference, _)| reference.name == name)
            .map(|(_, reference, _)| reference.key.as_str())
            .collect();
        let data = secret.data.unwrap_or_default().into_iter();
        let values = data
            .filter(|(key, _)| referenced.contains(key.as_str()))
            .map(|(key, value)| (key, Value::new(value.0)))
            .collect();
        Self::Found(values)
    }
}

fn value<'a>(secrets: &'a BTreeMap<String, Secret>, secret: &SecretRef) -> Option<&'a [u8]> {
    match secrets.get(&secret.name)? {
        Secret::Found(values) => values.get(&secret.key).map(Value::expose),
        Secret::Unknown | Secret::Missing | Secret::Foreign { .. } => None,
    }
}

fn problems(
    spec: &ChatboxSpec,
    effective: &Config,
    secrets: &BTreeMap<String, Secret>,
) -> Vec<Problem> {
    let is_generated = spec.config.auth.hs256.is_none();
    let mut problems: Vec<Problem> = effective
        .secrets()
        .into_iter()
        .filter_map(|(path, secret, use_)| {
            let is_generated = use_ == Use::Signing && is_generated;
            let message = message(secret, secrets.get(&secret.name)?, use_, is_generated)?;
            // The author has not written the path of a generated key.
            let path = if is_generated {
                "auth.hs256".to_owned()
            } else {
                path
            };
            Some(Problem::new(path, message).under("spec.config"))
        })
        .collect();
    problems.sort();
    problems
}

fn message(reference: &SecretRef, found: &Secret, use_: Use, is_generated: bool) -> Option<String> {
    let SecretRef { name, key } = reference;
    let values = match found {
        Secret::Unknown => return None,
        Secret::Missing => {
            return Some(format!(
                "secret {name:?} does not exist; create it with key {key:?}"
            ));
        }
        // A label does not take it away from its controller.
        Secret::Foreign {
            owner: Some((kind, owner)),
        } => {
            return Some(format!(
                "secret {name:?} belongs to {kind} {owner:?}, not to this chatbox; name it in auth.hs256, or give the \
                 chatbox another name"
            ));
        }
        Secret::Foreign { owner: None } => {
            let label = crds::runtime::NAME_LABEL;
            return Some(format!(
                "secret {name:?} exists but was not created for this chatbox; set its label {label} to the name of the \
                 chatbox to have it adopted, or name keys of your own in auth.hs256"
            ));
        }
        Secret::Found(values) => values,
    };
    let Some(value) = values.get(key) else {
        let remedy = if is_generated {
            "add it with at least 32 random bytes, or name keys of your own in auth.hs256"
                .to_owned()
        } else {
            format!("add key {key:?}")
        };
        return Some(format!("secret {name:?} has no key {key:?}; {remedy}"));
    };
    let reason = secret::usable(value.expose(), use_).err()?;
    let or_generate = if is_generated {
        ", or name keys of your own in auth.hs256"
    } else {
        ""
    };
    Some(format!(
        "key {key:?} of secret {name:?} {reason}{or_generate}"
    ))
}

#[cfg(test)]
mod tests;
