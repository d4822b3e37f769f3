//! Makes the changes that `diff` has found: server-side apply in the order of the plan, then pruning. Decides nothing.

use std::sync::Arc;

use crds::runtime::FIELD_MANAGER;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};

use crate::cache::{CachedObject, OwnedObjects};
use crate::context::Context;
use crate::diff::{self, Change, Stale};
use crate::error::Error;
use crate::kind::Kind;
use crate::names;
use crate::plan::Object;
use crate::stored::Stored;

/// Makes the changes, as far as they can be made now, and returns the objects as they are then. `new_secret` is the
/// generated Secret, if it does not exist yet.
pub async fn apply(
    ctx: &Context,
    chatbox: &Stored,
    new_secret: Option<&Secret>,
    changes: Vec<(Object, Change)>,
    mut objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    if let Some(blocker) = diff::blocker(&changes) {
        return Err(blocker);
    }
    let awaited = diff::awaited(&changes);
    if let Some(secret) = new_secret {
        create(ctx, chatbox, secret).await?;
    }
    for (object, change) in changes {
        let uid = match change {
            Change::Update { uid } => Some(uid),
            Change::Create => None,
            Change::None | Change::AwaitDeletion | Change::AwaitRelease | Change::Foreign => {
                continue;
            }
        };
        let (kind, name) = (object.kind, object.name.clone());
        let written = write(ctx, chatbox, object, uid).await?;
        objects = Arc::new(Arc::unwrap_or_clone(objects).with(kind, &name, written));
    }
    awaited.map_or(Ok(objects), Err)
}

/// Deletes what the plan does not contain.
pub async fn prune(ctx: &Context, chatbox: &Stored, stale: Vec<Stale>) -> Result<(), Error> {
    for Stale { kind, name, uid } in stale {
        let only_this_one = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        let api = ctx.api(&chatbox.namespaced_name.namespace, kind);
        ctx.metrics.write(kind, "delete");
        match api.delete(&name, &only_this_one).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(source) => return Err(Error::write(kind, name, source)),
        }
    }
    Ok(())
}

/// Creates the generated Secret. A plain create: it fails where an apply would overwrite.
async fn create(ctx: &Context, chatbox: &Stored, secret: &Secret) -> Result<(), Error> {
    let namespace = &chatbox.namespaced_name.namespace;
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), namespace);
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    ctx.metrics.write(Kind::SECRET, "create");
    match api.create(&params, secret).await {
        Ok(_) => Ok(()),
        Err(source) => {
            let name = names::keys(&chatbox.namespaced_name.name);
            Err(Error::write(Kind::SECRET, name, source))
        }
    }
}

async fn write(
    ctx: &Context,
    chatbox: &Stored,
    object: Object,
    uid: Option<String>,
) -> Result<CachedObject, Error> {
    let Object {
        kind,
        name,
        mut body,
    } = object;
    if let Some(uid) = uid {
        // A precondition, not a field: the write fails if another object has taken the name meanwhile.
        body["metadata"]["uid"] = uid.into();
    }
    ctx.metrics.write(kind, "apply");
    let live = match patch(ctx, chatbox, kind, &name, &body).await {
        Ok(live) => live,
        Err(source) => return Err(Error::write(kind, name, source)),
    };
    if kind == Kind::SECRET {
        ctx.cache
            .references()
            .forget_resolution(&chatbox.namespaced_name);
    } else {
        ctx.cache.owned_objects().refresh(kind, &live)?;
    }
    Ok(CachedObject::new(kind, &live)?)
}

async fn patch(
    ctx: &Context,
    chatbox: &Stored,
    kind: Kind,
    name: &str,
    body: &serde_json::Value,
) -> kube::Result<DynamicObject> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let api = ctx.api(&chatbox.namespaced_name.namespace, kind);
    if kind != Kind::SECRET {
        return api.patch(name, &params, &Patch::Apply(body)).await;
    }
    // The answer must not contain the value.
    let answer = api
        .patch_metadata(name, &params, &Patch::Apply(body))
        .await?;
    Ok(DynamicObject {
        types: None,
        metadata: answer.metadata,
        data: serde_json::Value::Null,
    })
}
