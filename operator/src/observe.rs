//! Reads what a Chatbox refers to and what no watch has delivered. The one place where secret values are read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crds::{ChatboxSpec, Config};
use k8s_openapi::api::core::v1 as core;
use kube::Api;

use crate::cache::references::{Resolution, SecretVersion};
use crate::cache::{CachedObject, Detail, OwnedObjects, Rollout};
use crate::context::Context;
use crate::error::Error;
use crate::guarded::GuardedChatbox;
use crate::kind::Kind;
use crate::names;
use crate::observed::{NewKeys, Observed, RunningConfig};
use crate::plan::Object;
use crate::secrets::{self, Generated, GeneratedKey, Secret, Value};
use crate::stored::Stored;
use crate::validate;

/// What was observed, and the objects that it was observed from.
pub struct Observation {
    pub observed: Observed,
    pub objects: Arc<OwnedObjects>,
}

/// Reads every Secret that the config references, unless it is known, and generates the keys that are needed and never existed.
/// `last_image` is the one of the last pods, by the status.
pub async fn observe(
    ctx: &Context,
    chatbox: &Stored,
    generation: Option<i64>,
    spec: &ChatboxSpec,
    cached: Arc<OwnedObjects>,
    last_image: Option<String>,
    now: Instant,
) -> Result<Observation, Error> {
    let objects = with_running(ctx, chatbox, cached).await?;
    let mounted = running(chatbox, &objects)?.map_or(Vec::new(), |rollout| rollout.secrets.clone());
    let (resolution, new_keys) = resolve(ctx, chatbox, generation, spec, &mounted, now).await?;
    let objects = with_generated(resolution.generated, objects);
    let running = running(chatbox, &objects)?;
    let observed = Observed {
        release_image: ctx.release_image.clone(),
        chosen_image: match running {
            Some(rollout) => rollout.chosen_image.clone(),
            // Somebody has deleted it. What the spec names is no choice of ours.
            None => last_image.filter(|_| spec.image.is_none()),
        },
        running_config: running.and_then(|rollout| running_config(chatbox, rollout, &objects)),
        claim: objects.claim(chatbox).cloned(),
        secrets: resolution.secrets,
        new_keys,
    };
    Ok(Observation { observed, objects })
}

/// The objects with those of the plan that no watch has delivered: an object whose label was edited away still exists,
/// and one of somebody else's must not be taken for missing. Also why some of them cannot be read.
///
/// An error means that nothing more can be read now.
pub async fn with_planned(
    ctx: &Context,
    chatbox: &Stored,
    plan: &[Object],
    mut objects: Arc<OwnedObjects>,
) -> Result<(Arc<OwnedObjects>, Vec<Error>), Error> {
    // `observe` has read these, if they exist.
    let is_read = |kind| kind == Kind::SECRET || kind == Kind::DEPLOYMENT;
    let mut failures = Vec::new();
    for object in plan.iter().filter(|object| !is_read(object.kind)) {
        let known = objects.clone();
        match with_object(ctx, chatbox, object.kind, &object.name, objects).await {
            Ok(with_it) => objects = with_it,
            Err(error) if error.ends_reconcile() => return Err(error),
            Err(error) => {
                failures.push(error);
                objects = known;
            }
        }
    }
    Ok((objects, failures))
}

/// The objects with the claim, if there may be one: its owner and its size are decided before anything else. The Secret
/// with generated keys is known without a request, because the watch on Secrets sees each.
pub async fn with_claim(
    ctx: &Context,
    chatbox: &GuardedChatbox,
    stored: &Stored,
    objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    // The kind of volume of a Chatbox cannot be changed.
    if chatbox
        .spec
        .as_ref()
        .is_ok_and(|spec| validate::claim_of(spec).is_none())
    {
        return Ok(objects);
    }
    let name = names::data(&stored.namespaced_name.name);
    with_object(ctx, stored, Kind::PERSISTENT_VOLUME_CLAIM, &name, objects).await
}

/// The objects with the Secrets of generated keys, as they were read if that is newer than what the watch has reported.
fn with_generated(
    read: Vec<(String, CachedObject)>,
    mut objects: Arc<OwnedObjects>,
) -> Arc<OwnedObjects> {
    for (name, read) in read {
        let known = objects.get(Kind::SECRET, &name);
        if known.is_some_and(|known| known.uid == read.uid && known.version >= read.version) {
            continue;
        }
        objects = Arc::new(Arc::unwrap_or_clone(objects).with(Kind::SECRET, &name, read));
    }
    objects
}

/// The objects with the Deployment, if it exists.
pub async fn with_deployment(
    ctx: &Context,
    chatbox: &Stored,
    objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    let name = names::app(&chatbox.namespaced_name.name);
    with_object(ctx, chatbox, Kind::DEPLOYMENT, &name, objects).await
}

/// The objects with the running Deployment and its ConfigMap, which decide on the image and on the name of the config.
async fn with_running(
    ctx: &Context,
    chatbox: &Stored,
    objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    let objects = with_deployment(ctx, chatbox, objects).await?;
    let config_map = running(chatbox, &objects)?.and_then(|rollout| rollout.config_map.clone());
    match config_map {
        Some(name) => with_object(ctx, chatbox, Kind::CONFIG_MAP, &name, objects).await,
        None => Ok(objects),
    }
}

/// The objects and one more, if it exists and no watch has delivered it.
async fn with_object(
    ctx: &Context,
    chatbox: &Stored,
    kind: Kind,
    name: &str,
    objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    if objects.is_known(kind, name) {
        return Ok(objects);
    }
    let api = ctx.api(&chatbox.namespaced_name.namespace, kind);
    let live = api.get_opt(name).await.map_err(|source| Error::Read {
        kind,
        name: name.to_owned(),
        source,
    })?;
    Ok(match live {
        Some(live) => {
            let object = CachedObject::new(kind, &live)?;
            Arc::new(Arc::unwrap_or_clone(objects).with(kind, name, object))
        }
        None => Arc::new(Arc::unwrap_or_clone(objects).without(kind, name)),
    })
}

/// The rollout of our own Deployment, if it exists. One that cannot be decoded is not taken for missing: the image that
/// it runs is unknown, and the one of this release would replace it.
fn running<'a>(chatbox: &Stored, objects: &'a OwnedObjects) -> Result<Option<&'a Rollout>, Error> {
    let rollout = objects.rollout(chatbox).transpose();
    rollout.map_err(|reason| Error::DeploymentUnreadable(reason.to_owned()))
}

/// None if the Deployment was edited to use a ConfigMap of somebody else's.
fn running_config(
    chatbox: &Stored,
    rollout: &Rollout,
    objects: &OwnedObjects,
) -> Option<RunningConfig> {
    let config_map = rollout.config_map.clone()?;
    let object = objects.get(Kind::CONFIG_MAP, &config_map)?;
    if !object.belongs_to(Kind::CONFIG_MAP, chatbox) {
        return None;
    }
    match &object.detail {
        Detail::Config(Some(hash)) => Some(RunningConfig {
            config_map,
            hash: hash.clone(),
        }),
        _ => None,
    }
}

/// What the Secrets are resolved to, and new keys for those that are needed and do not exist. `mounted` are the Secrets of
/// the pods that run.
async fn resolve(
    ctx: &Context,
    chatbox: &Stored,
    generation: Option<i64>,
    spec: &ChatboxSpec,
    mounted: &[String],
    now: Instant,
) -> Result<(Resolution, NewKeys), Error> {
    let known = ctx
        .cache
        .references()
        .resolution(chatbox, generation, now)
        .cloned();
    if let Some(known) = known {
        return Ok((known, NewKeys::default()));
    }
    let name = &chatbox.namespaced_name.name;
    let config = secrets::effective_config(name, spec);
    let mut read = BTreeMap::new();
    for name in secrets::names(&config) {
        let secret = read_secret(ctx, chatbox, &name).await?;
        read.insert(name, secret);
    }
    let mut new_keys = NewKeys::default();
    for generated in Generated::ALL {
        let secret = generated.secret(name).name;
        let is_missing = read.get(&secret).is_some_and(Option::is_none);
        // Another key would not decrypt what the pods that run have stored.
        let is_lost = generated == Generated::Encryption && mounted.contains(&secret);
        if generated.is_wanted(&spec.config) && is_missing && !is_lost {
            new_keys.set(generated, GeneratedKey::new(&rand::random()));
        }
    }
    let resolution = resolution(chatbox, spec, &config, read, &new_keys)?;
    if new_keys.is_empty() {
        let mut references = ctx.cache.references();
        references.remember(chatbox, generation, resolution.clone(), now);
    }
    Ok((resolution, new_keys))
}

async fn read_secret(
    ctx: &Context,
    chatbox: &Stored,
    name: &str,
) -> Result<Option<core::Secret>, Error> {
    let namespace = &chatbox.namespaced_name.namespace;
    let api: Api<core::Secret> = Api::namespaced(ctx.client.clone(), namespace);
    api.get_opt(name).await.map_err(|source| Error::Read {
        kind: Kind::SECRET,
        name: name.to_owned(),
        source,
    })
}

fn resolution(
    chatbox: &Stored,
    spec: &ChatboxSpec,
    config: &Config,
    read: BTreeMap<String, Option<core::Secret>>,
    new_keys: &NewKeys,
) -> Result<Resolution, Error> {
    let wanted: Vec<_> = Generated::ALL
        .into_iter()
        .filter(|generated| generated.is_wanted(&spec.config))
        .map(|generated| (generated, generated.secret(&chatbox.namespaced_name.name)))
        .collect();
    let is_generated = |name: &str| wanted.iter().any(|(_, secret)| secret.name == name);
    let mut generated = Vec::new();
    let mut versions = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    for (name, secret) in read {
        let metadata = secret.as_ref().map(|secret| &secret.metadata);
        let object = metadata
            .map(|metadata| CachedObject::metadata_only(Kind::SECRET, metadata))
            .transpose()?;
        let version = object.as_ref().map(|object| SecretVersion {
            uid: object.uid.clone(),
            version: object.version,
        });
        versions.insert(name.clone(), version);
        let is_ours = object
            .as_ref()
            .is_some_and(|object| object.belongs_to(Kind::SECRET, chatbox));
        let found = match secret {
            None => Secret::Missing,
            Some(_) if is_generated(&name) && !is_ours => Secret::Foreign {
                owner: object.as_ref().and_then(|object| {
                    let owner = object.owner.as_ref()?;
                    Some((owner.kind.clone(), owner.name.clone()))
                }),
            },
            Some(secret) => Secret::found(&name, secret, config),
        };
        if is_generated(&name) {
            generated.extend(object.map(|object| (name.clone(), object)));
        }
        secrets.insert(name, found);
    }
    for (generated, secret) in wanted {
        if let Some(key) = new_keys.get(generated) {
            let value = Value::new(key.expose().into());
            let values = BTreeMap::from([(secret.key, value)]);
            secrets.insert(secret.name, Secret::Found(values));
        }
    }
    Ok(Resolution {
        versions,
        secrets: secrets::resolve(spec, config, &secrets),
        generated,
    })
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{cached, stored};

    use super::*;

    #[test]
    fn a_deployment_that_cannot_be_decoded_is_not_taken_for_missing() {
        let running = |managed, rollout| {
            let deployment = CachedObject {
                managed,
                ..cached(Detail::Deployment(rollout))
            };
            let objects = OwnedObjects::default();
            let objects = objects.with(Kind::DEPLOYMENT, "support-chatbox", deployment);
            super::running(&stored(), &objects).map(|found| found.is_some())
        };
        let unreadable = || Err("has the wrong type".to_owned());
        let error = running(true, unreadable()).unwrap_err();
        assert!(
            matches!(error, Error::DeploymentUnreadable(reason) if reason == "has the wrong type")
        );
        assert!(!running(false, unreadable()).unwrap(), "it is not ours");
        assert!(running(true, Ok(Box::default())).unwrap());
        let none = OwnedObjects::default();
        assert!(super::running(&stored(), &none).unwrap().is_none());
    }
}
