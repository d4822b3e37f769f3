//! Reads what a Chatbox refers to. The one place where secret values enter the operator.

use std::collections::BTreeMap;

use crds::ChatboxSpec;
use k8s_openapi::api::core::v1 as core;
use kube::Api;

use crate::children::{Child, Detail, Family};
use crate::context::Context;
use crate::error::Error;
use crate::kind::Kind;
use crate::observed::{self, Observed, RunningConfig, Secret, SigningKey, Value};
use crate::plan::names;
use crate::validate::{self, Identity};

/// Reads every Secret that the config names, by name, and makes a signing key if one is wanted and missing.
pub async fn observe(
    ctx: &Context,
    identity: &Identity,
    spec: &ChatboxSpec,
    family: &mut Family,
) -> Result<Observed, Error> {
    let config = validate::effective(&identity.name, spec);
    let mut found = Observed {
        release_image: ctx.release_image.clone(),
        running_image: family.rollout().and_then(|rollout| rollout.image.clone()),
        running_config: running_config(family),
        ..Observed::default()
    };
    for name in observed::names_of(&config) {
        let secret = read(ctx, identity, spec, &name, family).await?;
        found.secrets.insert(name, secret);
    }
    let generated = names::signing_key(&identity.name);
    let is_wanted = spec.config.auth.hs256.is_none();
    if is_wanted && matches!(found.secrets.get(&generated.name), Some(Secret::Missing)) {
        let key = SigningKey::new(&rand::random());
        let values = BTreeMap::from([(generated.key, Value::new(key.expose().into()))]);
        found.secrets.insert(generated.name, Secret::Found(values));
        found.new_key = Some(key);
    }
    Ok(found)
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
