//! One reconcile of one Chatbox: observe, validate, plan, diff, apply, status.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;

use crate::cache::{OwnedObjects, references};
use crate::context::Context;
use crate::error::Error;
use crate::guarded::GuardedChatbox;
use crate::metrics::Outcome;
use crate::observe::Observation;
use crate::plan;
use crate::status::{self, Converged};
use crate::stored::Stored;
use crate::validate::{self, ValidatedChatbox};
use crate::{apply, diff, observe};

/// A reconcile that takes longer, or a write of the status, has lost its API server.
const TIMEOUT_SECONDS: u64 = 30;
/// The Secrets are read again then, in case that the watch has missed a change, although no such case is known. Of every
/// other object the caches hold what its watch has reported.
const RESYNC: Duration = references::MAX_AGE;

pub async fn reconcile(chatbox: Arc<GuardedChatbox>, ctx: Arc<Context>) -> Result<Action, Error> {
    ctx.cache.sync.has_synced().await;
    let started = Instant::now();
    let result = attempt(&ctx, &chatbox, started).await;
    // The status is written by now: a reconcile that could not report what it did has failed.
    ctx.metrics.reconcile(outcome(&result), started.elapsed());
    match result {
        Ok(Attempt::Skipped) | Err(Error::NamespaceTerminating) => Ok(Action::await_change()),
        Err(error) if !error.awaits_change() => Err(error),
        Ok(Attempt::Converged) | Err(_) => {
            ctx.backoff.forget(&chatbox.namespaced_name());
            // Never sooner: the Secrets that were read must be too old by then.
            Ok(Action::requeue(
                RESYNC.mul_f64(rand::random_range(1.0..1.2)),
            ))
        }
    }
}

/// What to do after a failure.
pub fn error_policy(chatbox: &GuardedChatbox, error: &Error, ctx: &Context) -> Action {
    let key = chatbox.namespaced_name();
    let delay = ctx.backoff.failed(key.clone());
    tracing::warn!(chatbox = %key, %error, ?delay, "reconcile failed; will retry");
    Action::requeue(delay)
}

/// What a reconcile without failure did.
enum Attempt {
    Converged,
    /// Its objects are deleted too; to repair them now would be to fight that.
    Skipped,
}

/// Reconciles and reports, both within their time.
async fn attempt(ctx: &Context, chatbox: &GuardedChatbox, now: Instant) -> Result<Attempt, Error> {
    let stored = chatbox.stored()?;
    if chatbox.is_terminating() || ctx.cache.namespaces().contain(&stored) {
        return Ok(Attempt::Skipped);
    }
    let cached = ctx.cache.owned_objects().of(&stored.namespaced_name);
    let timeout = Duration::from_secs(TIMEOUT_SECONDS);
    let converged = converge(ctx, chatbox, &stored, cached.clone(), now);
    let (result, objects) = tokio::time::timeout(timeout, converged)
        .await
        .unwrap_or((Err(Error::TimedOut(TIMEOUT_SECONDS)), cached));
    if let Err(Error::NamespaceTerminating) = result {
        let namespace = &stored.namespaced_name.namespace;
        ctx.cache.mark_namespace_terminating(namespace);
        return Err(Error::NamespaceTerminating);
    }
    let updated = status::update_status(ctx, chatbox, &stored, &result, &objects);
    tokio::time::timeout(timeout, updated)
        .await
        .unwrap_or(Err(Error::TimedOut(TIMEOUT_SECONDS)))?;
    result.map(|_| Attempt::Converged)
}

/// The result, and the objects as they are known then.
async fn converge(
    ctx: &Context,
    chatbox: &GuardedChatbox,
    stored: &Stored,
    cached: Arc<OwnedObjects>,
    now: Instant,
) -> (Result<Converged, Error>, Arc<OwnedObjects>) {
    let spec = match &chatbox.spec {
        Ok(spec) => spec,
        Err(problem) => return (Err(Error::Undecodable(problem.clone())), cached),
    };
    let generation = chatbox.metadata.generation;
    let observation = observe::observe(ctx, stored, generation, spec, cached.clone(), now).await;
    let Observation { observed, objects } = match observation {
        Ok(observation) => observation,
        Err(error) => return (Err(error), cached),
    };
    let result = match validate::validate(&chatbox.identity(), spec, &observed) {
        Ok(validated) => act(ctx, stored, spec.paused, &validated, objects.clone()).await,
        Err(findings) => Err(findings.into()),
    };
    match result {
        Ok((converged, objects)) => (Ok(converged), objects),
        Err(error) => (Err(error), objects),
    }
}

/// Makes the cluster match the plan, unless the Chatbox is paused.
async fn act(
    ctx: &Context,
    chatbox: &Stored,
    paused: bool,
    validated: &ValidatedChatbox,
    observed: Arc<OwnedObjects>,
) -> Result<(Converged, Arc<OwnedObjects>), Error> {
    let plan = plan::plan(validated);
    let desired = plan.objects()?;
    if let Some(error) = diff::unavailable(&desired, |kind| ctx.cache.sync.unavailable(kind)) {
        return Err(error);
    }
    let live = observe::with_planned(ctx, chatbox, &desired, observed).await?;
    let stale = diff::stale(chatbox, &desired, &live);
    let changes = diff::changes(chatbox, desired, &live);
    let converged = Converged {
        url: plan::service::url(validated),
        selector: plan::meta::selector_text(&validated.name),
        pending: paused.then(|| diff::pending(&changes)),
    };
    if paused {
        return Ok((converged, live));
    }
    let live = apply::apply(ctx, chatbox, plan.new_secret(), changes, live).await?;
    // Pods that still run may start again: what they were made from stays until the new ones have taken over.
    if status::progress(chatbox, &live).is_settled() {
        apply::prune(ctx, chatbox, stale).await?;
    }
    Ok((converged, live))
}

fn outcome(result: &Result<Attempt, Error>) -> Outcome {
    match result {
        Ok(Attempt::Converged) => Outcome::Converged,
        Ok(Attempt::Skipped) | Err(Error::NamespaceTerminating) => Outcome::Skipped,
        Err(error) if error.awaits_change() => Outcome::Invalid,
        Err(error) if error.is_transient() => Outcome::Failed,
        Err(_) => Outcome::Refused,
    }
}

#[cfg(test)]
mod tests;
