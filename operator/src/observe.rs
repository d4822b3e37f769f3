//! Reads what a Chatbox refers to. The one place where secret values enter the operator.

use std::collections::{BTreeMap, BTreeSet};

use crds::{ChatboxSpec, Config, SecretRef};
use k8s_openapi::api::core::v1 as core;
use kube::Api;

use crate::children::{Child, Detail, Family};
use crate::context::Context;
use crate::error::Error;
use crate::hex::hex;
use crate::kind::Kind;
use crate::plan::names;
use crate::validate::{self, Identity};

/// What a Chatbox refers to, and what runs for it.
#[derive(Debug, Default)]
pub struct Observed {
    /// Image of the chat server that belongs to this release of the operator.
    pub release_image: String,
    /// Image of the pods that exist.
    pub running_image: Option<String>,
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
    pub meaning: String,
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

/// Reads every Secret that the config names, by name, and makes a signing key if one is wanted and missing.
pub async fn observe(
    ctx: &Context,
    identity: &Identity,
    spec: &ChatboxSpec,
    family: &mut Family,
) -> Result<Observed, Error> {
    let config = validate::effective(&identity.name, spec);
    let mut observed = Observed {
        release_image: ctx.release_image.clone(),
        running_image: family.rollout().and_then(|rollout| rollout.image.clone()),
        running_config: running_config(family),
        ..Observed::default()
    };
    for name in names_of(&config) {
        let secret = read(ctx, identity, spec, &name, family).await?;
        observed.secrets.insert(name, secret);
    }
    let generated = names::signing_key(&identity.name);
    let is_wanted = spec.config.auth.hs256.is_none();
    if is_wanted && matches!(observed.secrets.get(&generated.name), Some(Secret::Missing)) {
        let key = SigningKey::random();
        let values = BTreeMap::from([(generated.key, Value::new(key.expose().into()))]);
        observed
            .secrets
            .insert(generated.name, Secret::Found(values));
        observed.new_key = Some(key);
    }
    Ok(observed)
}

/// Every Secret that a config names, once.
pub fn names_of(config: &Config) -> BTreeSet<String> {
    let secrets = config.secrets().into_iter();
    secrets.map(|(_, secret)| secret.name.clone()).collect()
}

async fn read(
    ctx: &Context,
    identity: &Identity,
    spec: &ChatboxSpec,
    name: &str,
    family: &mut Family,
) -> Result<Secret, Error> {
    let namespace = identity.namespace.as_deref().unwrap_or_default();
    let api: Api<core::Secret> = Api::namespaced(ctx.client.clone(), namespace);
    let found = api.get_opt(name).await.map_err(|source| Error::Read {
        kind: Kind::Secret,
        name: name.to_owned(),
        source,
    })?;
    let Some(found) = found else {
        return Ok(Secret::Missing);
    };
    let is_generated = spec.config.auth.hs256.is_none() && name == names::keys(&identity.name);
    if is_generated {
        let child = Child::bare(Kind::Secret, found.metadata.clone());
        let is_ours = child.belongs_to(Kind::Secret, &identity.name, identity.uid());
        family.insert(Kind::Secret, name, child);
        if !is_ours {
            return Ok(Secret::Foreign);
        }
    }
    Ok(Secret::found(
        found,
        &validate::effective(&identity.name, spec),
    ))
}

fn running_config(family: &Family) -> Option<RunningConfig> {
    let config_map = family.rollout()?.config_map.clone()?;
    match &family.get(Kind::ConfigMap, &config_map)?.detail {
        Detail::Config(Some(meaning)) => Some(RunningConfig {
            config_map,
            meaning: meaning.clone(),
        }),
        _ => None,
    }
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
    fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(hex(&bytes))
    }

    #[cfg(test)]
    pub(crate) fn fixed() -> Self {
        Self("0f".repeat(32))
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
