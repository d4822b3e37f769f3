//! Makes a cluster match a plan: server-side apply in a stated order, then pruning. What to do is decided by `diff`.

use crds::runtime::FIELD_MANAGER;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};

use crate::cache::{CachedObject, OwnedObjects};
use crate::context::Context;
use crate::diff::{self, Stale, Step};
use crate::error::Error;
use crate::identity::Identity;
use crate::kind::Kind;
use crate::observe::read_missing;
use crate::plan::{Object, Plan};

/// What must be done, in the order in which it must be done. Objects that no watch has shown are asked for by name, so
/// that one of somebody else's is never taken for missing.
pub async fn survey(
    ctx: &Context,
    identity: &Identity,
    plan: &Plan,
    objects: &mut OwnedObjects,
) -> Result<Vec<(Object, Step)>, Error> {
    let mut steps = Vec::new();
    for object in plan.objects() {
        // A Secret of ours was read by `observe`.
        if object.kind != Kind::Secret {
            read_missing(ctx, identity, object.kind, &object.name, objects).await?;
        }
        let step = diff::step(identity, &object, objects.get(object.kind, &object.name));
        steps.push((object, step));
    }
    Ok(steps)
}

/// Does it, as far as it can be done now.
pub async fn execute(
    ctx: &Context,
    identity: &Identity,
    plan: &Plan,
    steps: Vec<(Object, Step)>,
    objects: &mut OwnedObjects,
) -> Result<(), Error> {
    if let Some(blocker) = diff::blocker(&steps) {
        return Err(blocker);
    }
    let awaiting_release = diff::awaiting_release(&steps);
    if let Some(secret) = plan.keys.as_ref().and_then(|keys| keys.create.as_ref()) {
        create(ctx, identity, secret).await?;
    }
    for (object, step) in steps {
        match step {
            Step::Update { uid } => write(ctx, identity, object, Some(uid), objects).await?,
            Step::Create => write(ctx, identity, object, None, objects).await?,
            Step::Keep | Step::Wait | Step::AwaitRelease | Step::Foreign => {}
        }
    }
    awaiting_release.map_or(Ok(()), Err)
}

/// Deletes what the plan does not name.
pub async fn prune(ctx: &Context, identity: &Identity, stale: Vec<Stale>) -> Result<(), Error> {
    for Stale { kind, name, uid } in stale {
        let only_this_one = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        match ctx
            .api(identity.namespace.as_deref(), kind)
            .delete(&name, &only_this_one)
            .await
        {
            Ok(_) => ctx.metrics.write(kind.name(), "delete"),
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(source) => return Err(Error::Write { kind, name, source }),
        }
    }
    Ok(())
}

/// Creates the generated Secret. A plain create: it fails where an apply would overwrite.
async fn create(ctx: &Context, identity: &Identity, secret: &Secret) -> Result<(), Error> {
    let namespace = identity.namespace.as_deref().unwrap_or_default();
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), namespace);
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    ctx.metrics.write(Kind::Secret.name(), "create");
    match api.create(&params, secret).await {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Write {
            kind: Kind::Secret,
            name: secret.metadata.name.clone().unwrap_or_default(),
            source,
        }),
    }
}

async fn write(
    ctx: &Context,
    identity: &Identity,
    object: Object,
    uid: Option<String>,
    objects: &mut OwnedObjects,
) -> Result<(), Error> {
    let Object {
        kind,
        name,
        mut body,
    } = object;
    if let Some(uid) = uid {
        // A condition, not a field: the write fails if another object has taken the name meanwhile.
        body["metadata"]["uid"] = uid.into();
    }
    ctx.metrics.write(kind.name(), "apply");
    match patch(ctx, identity, kind, &name, &body).await {
        Ok(live) => {
            objects.insert(kind, &name, CachedObject::new(kind, &live));
            if kind != Kind::Secret {
                ctx.cache.owned_objects().refresh(kind, &live);
            }
            Ok(())
        }
        Err(source) => Err(Error::Write { kind, name, source }),
    }
}

async fn patch(
    ctx: &Context,
    identity: &Identity,
    kind: Kind,
    name: &str,
    body: &serde_json::Value,
) -> kube::Result<DynamicObject> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let api = ctx.api(identity.namespace.as_deref(), kind);
    if kind != Kind::Secret {
        return api.patch(name, &params, &Patch::Apply(body)).await;
    }
    // The answer must not bring the value along.
    let answer = api
        .patch_metadata(name, &params, &Patch::Apply(body))
        .await?;
    Ok(DynamicObject {
        types: None,
        metadata: answer.metadata,
        data: serde_json::Value::Null,
    })
}
