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
pub use value::{GeneratedKey, Value};

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

/// The keys that the operator generates where the config names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    Signing,
    Encryption,
}

/// The config that the server gets: the one of the spec, with the generated keys where it names none.
pub fn effective_config(chatbox: &str, spec: &ChatboxSpec) -> Config {
    let config = spec.config.clone();
    let config = config.with_signing_key(names::signing_key(chatbox));
    config.with_encryption_key(names::encryption_key(chatbox))
}

impl Generated {
    pub const ALL: [Self; 2] = [Self::Signing, Self::Encryption];

    /// Whether a config leaves this key to the operator.
    pub fn is_wanted(self, config: &Config) -> bool {
        match self {
            Self::Signing => config.auth.hs256.is_none(),
            Self::Encryption => {
                let encryption = config.encryption.as_ref();
                encryption.is_some_and(|encryption| encryption.keys.is_none())
            }
        }
    }

    /// Where it lies.
    pub fn secret(self, chatbox: &str) -> SecretRef {
        match self {
            Self::Signing => names::signing_key(chatbox),
            Self::Encryption => names::encryption_key(chatbox).secret,
        }
    }

    /// Where the author would name keys instead.
    fn field(self) -> &'static str {
        match self {
            Self::Signing => "auth.hs256",
            Self::Encryption => "encryption.keys",
        }
    }

    /// The one that a config leaves to the operator and that is used so.
    fn of(config: &Config, use_: Use) -> Option<Self> {
        let generated = match use_ {
            Use::Signing => Self::Signing,
            Use::Encryption => Self::Encryption,
            Use::Bearer | Use::MongoDbUri | Use::Pem => return None,
        };
        generated.is_wanted(config).then_some(generated)
    }
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
    let mut problems: Vec<Problem> = effective
        .secrets()
        .into_iter()
        .filter_map(|(path, secret, use_)| {
            let generated = Generated::of(&spec.config, use_);
            let message = message(secret, secrets.get(&secret.name)?, use_, generated)?;
            // The author has not written the path of a generated key.
            let path = generated.map_or(path, |generated| generated.field().to_owned());
            Some(Problem::new(path, message).under("spec.config"))
        })
        .collect();
    problems.extend(repeated(effective, secrets));
    problems.sort();
    problems
}

/// Encryption keys with the value of an earlier one: whoever replaces a key so replaces nothing.
fn repeated(config: &Config, secrets: &BTreeMap<String, Secret>) -> Vec<Problem> {
    let mut seen = Vec::new();
    let mut problems = Vec::new();
    let keys = config.secrets().into_iter();
    for (path, reference, _) in keys.filter(|(_, _, use_)| *use_ == Use::Encryption) {
        let value = value(secrets, reference).and_then(|value| secret::encryption_key(value).ok());
        let Some(value) = value else {
            continue;
        };
        if seen.contains(&value) {
            let message =
                format!("{reference} has the value of an earlier key; a new key needs a new value");
            problems.push(Problem::new(path, message).under("spec.config"));
        }
        seen.push(value);
    }
    problems
}

fn message(
    reference: &SecretRef,
    found: &Secret,
    use_: Use,
    generated: Option<Generated>,
) -> Option<String> {
    let SecretRef { name, key } = reference;
    let field = generated.map_or("", Generated::field);
    let values = match found {
        Secret::Unknown => return None,
        Secret::Missing if generated == Some(Generated::Encryption) => {
            return Some(format!(
                "secret {name:?} does not exist any more, and the texts that are stored were encrypted with its key; \
                 restore it from a backup"
            ));
        }
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
                "secret {name:?} belongs to {kind} {owner:?}, not to this chatbox; name it in {field}, or give the \
                 chatbox another name"
            ));
        }
        Secret::Foreign { owner: None } => {
            let label = crds::runtime::NAME_LABEL;
            return Some(format!(
                "secret {name:?} exists but was not created for this chatbox; set its label {label} to the name of the \
                 chatbox to have it adopted, or name keys of your own in {field}"
            ));
        }
        Secret::Found(values) => values,
    };
    let Some(value) = values.get(key) else {
        let remedy = match generated {
            Some(Generated::Signing) => {
                format!("add it with at least 32 random bytes, or name keys of your own in {field}")
            }
            Some(Generated::Encryption) => "restore it from a backup".to_owned(),
            None => format!("add key {key:?}"),
        };
        return Some(format!("secret {name:?} has no key {key:?}; {remedy}"));
    };
    let reason = secret::usable(value.expose(), use_).err()?;
    let or_generate = generated.map_or_else(String::new, |_| {
        format!(", or name keys of your own in {field}")
    });
    Some(format!(
        "key {key:?} of secret {name:?} {reason}{or_generate}"
    ))
}

#[cfg(test)]
mod tests;
