//! What a Chatbox refers to, as values: what `observe` read, or what a file gave. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crds::{Config, SecretRef};
use k8s_openapi::api::core::v1 as core;

use crate::hex::hex;

/// What a Chatbox refers to, and what runs for it.
#[derive(Debug, Default)]
pub struct Observed {
    /// Image of the chat server that belongs to this release of the operator.
    pub release_image: String,
    /// Image that was chosen when the Deployment was last written.
    pub chosen_image: Option<String>,
    /// Config of the pods that exist.
    pub running_config: Option<RunningConfig>,
    /// Every Secret that the effective config names.
    pub secrets: BTreeMap<String, Secret>,
    /// A fresh signing key, when one is wanted and there is none yet.
    pub new_key: Option<SigningKey>,
}

/// The config of the pods that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningConfig {
    pub config_map: String,
    /// `Config::hash` of its document as this release reads it.
    pub config_hash: String,
}

/// A Secret that the config names.
#[derive(Debug)]
pub enum Secret {
    /// Nobody looked: the plan is made away from a cluster.
    Unknown,
    Missing,
    /// It has the name of a generated one, but we did not make it.
    Foreign,
    Found(BTreeMap<String, Value>),
}

/// A secret value. It is never printed.
#[derive(Clone)]
pub struct Value(Vec<u8>);

/// A generated key: hexadecimal digits. It is never printed.
#[derive(Clone)]
pub struct SigningKey(String);

/// Every Secret that a config names, once.
pub fn names_of(config: &Config) -> BTreeSet<String> {
    let secrets = config.secrets().into_iter();
    secrets.map(|(_, secret)| secret.name.clone()).collect()
}

impl Secret {
    /// What the config names of a Secret; the rest of it is nobody's business.
    pub fn found(secret: core::Secret, config: &Config) -> Self {
        let name = secret.metadata.name.unwrap_or_default();
        let named: BTreeSet<&str> = config
            .secrets()
            .into_iter()
            .filter(|(_, reference)| reference.name == name)
            .map(|(_, reference)| reference.key.as_str())
            .collect();
        let data = secret.data.unwrap_or_default().into_iter();
        let values = data
            .filter(|(key, _)| named.contains(key.as_str()))
            .map(|(key, value)| (key, Value::new(value.0)))
            .collect();
        Self::Found(values)
    }
}

impl Observed {
    /// The value of a secret key, if it is known.
    pub fn value(&self, secret: &SecretRef) -> Option<&[u8]> {
        match self.secrets.get(&secret.name)? {
            Secret::Found(values) => values.get(&secret.key).map(Value::expose),
            _ => None,
        }
    }
}

impl Value {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl SigningKey {
    pub fn new(random: &[u8; 32]) -> Self {
        Self(hex(random))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<generated>")
    }
}
