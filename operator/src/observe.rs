//! Reads what a Chatbox refers to. The one place where secret values enter the operator.

use std::collections::BTreeMap;

use crds::ChatboxSpec;
use k8s_openapi::api::core::v1 as core;
use kube::Api;

use crate::cache::{CachedObject, Detail, OwnedObjects, Rollout};
use crate::context::Context;
use crate::error::Error;
use crate::identity::Identity;
use crate::kind::Kind;
use crate::names;
use crate::observed::{self, Observed, RunningConfig, Secret, SigningKey, Value};
use crate::validate;

/// Reads every Secret that the config names, by name, and makes a signing key if one is wanted and missing.
pub async fn observe(
    ctx: &Context,
    identity: &Identity,
    spec: &ChatboxSpec,
    objects: &mut OwnedObjects,
) -> Result<Observed, Error> {
    let config = validate::effective(&identity.name, spec);
    read_running(ctx, identity, objects).await?;
    let running = running(identity, objects);
    let mut found = Observed {
        release_image: ctx.release_image.clone(),
        chosen_image: running.and_then(|rollout| {
            let chosen = rollout.chosen_image.as_ref();
            chosen.or(rollout.image.as_ref()).cloned()
        }),
        running_config: running.and_then(|rollout| running_config(identity, rollout, objects)),
        ..Observed::default()
    };
    for name in observed::names_of(&config) {
        let secret = read(ctx, identity, spec, &name, objects).await?;
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
    objects: &mut OwnedObjects,
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
        let child = CachedObject::bare(Kind::Secret, found.metadata.clone());
        let is_ours = child.belongs_to(Kind::Secret, &identity.name, identity.uid());
        objects.insert(Kind::Secret, name, child);
        if !is_ours {
            return Ok(Secret::Foreign);
        }
    }
    Ok(Secret::found(
        found,
        &validate::effective(&identity.name, spec),
    ))
}

/// Asks for what no watch has shown: an object whose label was edited away is still there, and what it says counts.
pub async fn read_missing(
    ctx: &Context,
    identity: &Identity,
    kind: Kind,
    name: &str,
    objects: &mut OwnedObjects,
) -> Result<(), Error> {
    if objects.get(kind, name).is_some() {
        return Ok(());
    }
    let api = ctx.api(identity.namespace.as_deref(), kind);
    let live = api.get_opt(name).await.map_err(|source| Error::Read {
        kind,
        name: name.to_owned(),
        source,
    })?;
    if let Some(live) = live {
        objects.insert(kind, name, CachedObject::new(kind, &live));
    }
    Ok(())
}

/// What runs decides on the image and on the name of the config, so it must be known before anything is chosen.
async fn read_running(
    ctx: &Context,
    identity: &Identity,
    objects: &mut OwnedObjects,
) -> Result<(), Error> {
    let name = names::app(&identity.name);
    read_missing(ctx, identity, Kind::Deployment, &name, objects).await?;
    let config_map = running(identity, objects).and_then(|rollout| rollout.config_map.clone());
    if let Some(config_map) = config_map {
        read_missing(ctx, identity, Kind::ConfigMap, &config_map, objects).await?;
    }
    Ok(())
}

/// The roll-out of our own Deployment.
fn running<'a>(identity: &Identity, objects: &'a OwnedObjects) -> Option<&'a Rollout> {
    let name = names::app(&identity.name);
    let deployment = objects.get(Kind::Deployment, &name)?;
    let is_ours = deployment.belongs_to(Kind::Deployment, &identity.name, identity.uid());
    is_ours.then(|| objects.rollout()).flatten()
}

/// None if the Deployment was made to use a ConfigMap of somebody else's.
fn running_config(
    identity: &Identity,
    rollout: &Rollout,
    objects: &OwnedObjects,
) -> Option<RunningConfig> {
    let config_map = rollout.config_map.clone()?;
    let child = objects.get(Kind::ConfigMap, &config_map)?;
    if !child.belongs_to(Kind::ConfigMap, &identity.name, identity.uid()) {
        return None;
    }
    match &child.detail {
        Detail::Config(Some(config_hash)) => Some(RunningConfig {
            config_map,
            config_hash: config_hash.clone(),
        }),
        _ => None,
    }
}
