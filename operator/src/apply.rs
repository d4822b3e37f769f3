//! Makes the changes that `diff` has found: server-side apply in the order of the plan, then pruning. Decides nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crds::runtime::FIELD_MANAGER;
use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use crate::cache::answers::Answer;
use crate::cache::{CachedObject, OwnedObjects, managed_fields};
use crate::context::Context;
use crate::diff::{self, Change, Stale};
use crate::error::Error;
use crate::exclusive::{self, Refusal};
use crate::kind::Kind;
use crate::names;
use crate::plan::Object;
use crate::retention::Unsettled;
use crate::stored::Stored;

/// An API server that works has answered by then: an admission webhook may take 30 seconds, and the API server ends a
/// write after 34, so the answer says which webhook it was.
pub const ANSWER_SECONDS: u64 = 40;

/// What has been made of the changes.
pub struct Applied {
    pub objects: Arc<OwnedObjects>,
    /// Why some objects are not as desired. The others are.
    pub failures: Vec<Error>,
    /// Whether the Deployment is as desired.
    pub is_deployed: bool,
}

/// Makes the changes, as far as they can be made now. One that is refused keeps no other from being made, unless pods
/// would be created without something that they need: `is_held` says that this is so already. `new_secrets` are the
/// generated Secrets that do not exist yet. The last failure may be one after which nothing more can be written now.
pub async fn apply(
    ctx: &Context,
    chatbox: &Stored,
    new_secrets: &[&Secret],
    changes: Vec<(Object, Change)>,
    mut objects: Arc<OwnedObjects>,
    mut is_held: bool,
) -> Applied {
    if let Some(blocker) = diff::blocker(&changes) {
        return Applied {
            objects,
            failures: vec![blocker],
            is_deployed: false,
        };
    }
    let (mut failures, mut is_deployed) = (Vec::new(), true);
    for (object, change) in changes {
        let (kind, name) = (object.kind, object.name.clone());
        if kind == Kind::DEPLOYMENT && is_held && !diff::stops_pods(&object) {
            is_deployed = false;
            continue;
        }
        let is_missed = diff::is_missed_by_pods(kind, &change);
        match make(ctx, chatbox, new_secrets, object, change).await {
            Ok(Some(written)) => {
                objects = Arc::new(Arc::unwrap_or_clone(objects).with(kind, &name, written));
            }
            Ok(None) => {}
            Err(error) => {
                let is_end = error.ends_reconcile();
                is_held |= is_missed;
                is_deployed &= kind != Kind::DEPLOYMENT && !is_end;
                failures.push(error);
                if is_end {
                    break;
                }
            }
        }
    }
    Applied {
        objects,
        failures,
        is_deployed,
    }
}

/// Deletes what the plan does not contain, and returns why some of it is left.
pub async fn prune(ctx: &Context, chatbox: &Stored, stale: Vec<Stale>) -> Vec<Error> {
    let mut failures = Vec::new();
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
            Err(source) => failures.push(Error::write(kind, name, source)),
        }
    }
    failures
}

/// Writes the metadata of kept objects, and returns the objects as they are then and why some are not settled. Side by
/// side, each within a time of its own: what hangs keeps no other from being settled.
pub async fn settle(
    ctx: &Context,
    chatbox: &Stored,
    unsettled: Vec<Unsettled>,
    mut objects: Arc<OwnedObjects>,
) -> (Vec<Error>, Arc<OwnedObjects>) {
    let writes = unsettled.into_iter().map(|unsettled| async move {
        let (kind, name) = (unsettled.kind, unsettled.name.clone());
        let written = answer(kind, &name, settle_one(ctx, chatbox, unsettled)).await;
        (kind, name, written)
    });
    let mut failures = Vec::new();
    for (kind, name, written) in join_all(writes).await {
        match written {
            Ok(written) => {
                objects = Arc::new(Arc::unwrap_or_clone(objects).with(kind, &name, written));
            }
            Err(error) => failures.push(error),
        }
    }
    (failures, objects)
}

/// What a request about one object has come to, or that there was no answer.
pub async fn answer<T>(
    kind: Kind,
    name: &str,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS), request)
        .await
        .unwrap_or_else(|_| {
            Err(Error::NoAnswer {
                kind,
                name: name.to_owned(),
                seconds: ANSWER_SECONDS,
            })
        })
}

async fn settle_one(
    ctx: &Context,
    chatbox: &Stored,
    unsettled: Unsettled,
) -> Result<CachedObject, Error> {
    let Unsettled { kind, name, patch } = unsettled;
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    ctx.metrics.write(kind, "patch");
    let live = send(ctx, chatbox, kind, &name, &params, &Patch::Strategic(patch)).await;
    let live = live.map_err(|source| Error::write(kind, name, source))?;
    record(ctx, chatbox, kind, &live)
}

/// Lets the Deployment of this uid have no pods, and returns the objects as they are then.
pub async fn stop(
    ctx: &Context,
    chatbox: &Stored,
    uid: String,
    objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    let (kind, name) = (Kind::DEPLOYMENT, names::app(&chatbox.namespaced_name.name));
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = json!({"metadata": {"uid": uid}, "spec": {"replicas": 0}});
    ctx.metrics.write(kind, "patch");
    let live = send(ctx, chatbox, kind, &name, &params, &Patch::Merge(patch)).await;
    let live = live.map_err(|source| Error::write(kind, name.clone(), source))?;
    let written = record(ctx, chatbox, kind, &live)?;
    Ok(Arc::new(
        Arc::unwrap_or_clone(objects).with(kind, &name, written),
    ))
}

/// Makes one change, and returns the object as it is then if it was written.
async fn make(
    ctx: &Context,
    chatbox: &Stored,
    new_secrets: &[&Secret],
    object: Object,
    change: Change,
) -> Result<Option<CachedObject>, Error> {
    if let Some(obstacle) = diff::obstacle(&object, &change) {
        return Err(obstacle);
    }
    let uid = match change {
        Change::Update { uid } => Some(uid),
        Change::Create => None,
        _ => return Ok(None),
    };
    if object.kind == Kind::SECRET
        && let Some(secret) = new_secrets
            .iter()
            .find(|secret| secret.metadata.name.as_ref() == Some(&object.name))
    {
        create(ctx, chatbox, &object.name, secret).await?;
    }
    write(ctx, chatbox, object, uid).await.map(Some)
}

/// Creates a generated Secret. A plain create: it fails where an apply would overwrite.
async fn create(ctx: &Context, chatbox: &Stored, name: &str, secret: &Secret) -> Result<(), Error> {
    let namespace = &chatbox.namespaced_name.namespace;
    let api: Api<Secret> = Api::namespaced(ctx.client.clone(), namespace);
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    ctx.metrics.write(Kind::SECRET, "create");
    match api.create(&params, secret).await {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::write(Kind::SECRET, name.to_owned(), source)),
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
        ..
    } = object;
    let desired = managed_fields::of_desired(&body);
    if let Some(uid) = &uid {
        if !ctx.contests.may_apply(uid, &desired, Instant::now()) {
            let manager = last_writer(ctx, chatbox, kind, &name).await;
            return Err(Error::Contested {
                kind,
                name,
                manager,
            });
        }
        // A precondition, not a field: the write fails if another object has taken the name meanwhile.
        body["metadata"]["uid"] = uid.clone().into();
    }
    let mut answer = apply_once(ctx, chatbox, kind, &name, &body).await;
    if uid.is_some()
        && let Err(kube::Error::Api(status)) = &answer
        && status.code == 422
        && make_room(ctx, chatbox, kind, &name, &body, &Refusal::new(status))
            .await
            .unwrap_or(false)
    {
        answer = apply_once(ctx, chatbox, kind, &name, &body).await;
    }
    let live = answer.map_err(|source| Error::write(kind, name.clone(), source))?;
    let written = record(ctx, chatbox, kind, &live)?;
    ctx.contests.applied(&written.uid, desired, Instant::now());
    if let Some(answered) = written.applied {
        let uid = written.uid.clone();
        let answer = Answer {
            uid,
            desired,
            answered,
        };
        ctx.cache.answers().remember(chatbox, kind, &name, answer);
    }
    Ok(written)
}

/// The field manager, beside ours, that has written to an object last, if it can be read.
async fn last_writer(ctx: &Context, chatbox: &Stored, kind: Kind, name: &str) -> Option<String> {
    let api = ctx.api(&chatbox.namespaced_name.namespace, kind);
    let live = api.get_metadata(name).await.ok()?;
    managed_fields::last_other(&live.metadata)
}

async fn apply_once(
    ctx: &Context,
    chatbox: &Stored,
    kind: Kind,
    name: &str,
    body: &Value,
) -> kube::Result<DynamicObject> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    ctx.metrics.write(kind, "apply");
    send(ctx, chatbox, kind, name, &params, &Patch::Apply(body)).await
}

/// Takes out of an object of ours what somebody has put beside our fields and what excludes them, as far as the API server has
/// refused that. Returns whether anything was; if the object has changed meanwhile, the next reconcile tries again.
async fn make_room(
    ctx: &Context,
    chatbox: &Stored,
    kind: Kind,
    name: &str,
    desired: &Value,
    refusal: &Refusal,
) -> kube::Result<bool> {
    let api = ctx.api(&chatbox.namespaced_name.namespace, kind);
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    if kind.is_retained() {
        // Their content is not ours to replace.
        return Ok(false);
    }
    let live = serde_json::to_value(api.get(name).await?).map_err(kube::Error::SerdeError)?;
    if live["metadata"]["uid"] != desired["metadata"]["uid"] {
        return Ok(false);
    }
    let Some(patch) = exclusive::patch(kind, &live, desired, refusal) else {
        return Ok(false);
    };
    tracing::info!(%kind, name, "fields that exclude ours are replaced");
    let live = json_patch(ctx, &api, kind, name, &params, patch).await?;
    let live = serde_json::to_value(live).map_err(kube::Error::SerdeError)?;
    if let Some(patch) = exclusive::disown(&live, FIELD_MANAGER)
        && let Err(error) = json_patch(ctx, &api, kind, name, &params, patch).await
    {
        // The next repair does it.
        tracing::debug!(%kind, name, %error, "fields keep a second owner");
    }
    Ok(true)
}

async fn json_patch(
    ctx: &Context,
    api: &Api<DynamicObject>,
    kind: Kind,
    name: &str,
    params: &PatchParams,
    patch: Value,
) -> kube::Result<DynamicObject> {
    let patch = serde_json::from_value(patch).map_err(kube::Error::SerdeError)?;
    ctx.metrics.write(kind, "patch");
    api.patch(name, params, &Patch::Json::<()>(patch)).await
}

/// Takes in the answer to our own write.
fn record(
    ctx: &Context,
    chatbox: &Stored,
    kind: Kind,
    live: &DynamicObject,
) -> Result<CachedObject, Error> {
    if kind == Kind::SECRET {
        let mut references = ctx.cache.references();
        references.forget_resolution(&chatbox.namespaced_name);
    }
    ctx.cache.owned_objects().refresh(kind, live)?;
    Ok(CachedObject::new(kind, live)?)
}

async fn send(
    ctx: &Context,
    chatbox: &Stored,
    kind: Kind,
    name: &str,
    params: &PatchParams,
    patch: &Patch<impl serde::Serialize + std::fmt::Debug>,
) -> kube::Result<DynamicObject> {
    let api = ctx.api(&chatbox.namespaced_name.namespace, kind);
    if kind != Kind::SECRET {
        return api.patch(name, params, patch).await;
    }
    // The answer must not contain the value.
    let answer = api.patch_metadata(name, params, patch).await?;
    Ok(DynamicObject {
        types: None,
        metadata: answer.metadata,
        data: Value::Null,
    })
}
