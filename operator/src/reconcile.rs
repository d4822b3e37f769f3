//! One reconcile of one Chatbox: settle, observe, validate, plan, diff, apply, status.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;

use crate::cache::{OwnedObjects, references};
use crate::claim::{Differences, difference};
use crate::context::Context;
use crate::diff::{self, Change, Stale};
use crate::error::Error;
use crate::guarded::{self, GuardedChatbox};
use crate::kind::Kind;
use crate::metrics;
use crate::names;
use crate::observe::Observation;
use crate::plan::{self, Object};
use crate::retention::{self, Wishes};
use crate::status::{self, Converged, Facts};
use crate::stored::Stored;
use crate::validate::{self, ValidatedChatbox};
use crate::{apply, observe};

/// A reconcile that takes longer, or a write of the status, has lost its API server.
const TIMEOUT_SECONDS: u64 = apply::ANSWER_SECONDS;
/// The Secrets are read again then, in case that the watch has missed a change, although no such case is known. Of every
/// other object the caches hold what its watch has reported.
const RESYNC: Duration = references::MAX_AGE;

/// While pods are replaced, the state is looked at again after one to three times this long: a change of the Deployment may
/// not have been reported, if an admission webhook has taken our label away.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

pub async fn reconcile(chatbox: Arc<GuardedChatbox>, ctx: Arc<Context>) -> Result<Action, Error> {
    ctx.cache.sync.has_synced().await;
    let started = Instant::now();
    let result = attempt(&ctx, &chatbox, started).await;
    // The status is written by now: a reconcile that could not report what it did has failed.
    ctx.metrics.reconcile(measured(&result), started.elapsed());
    match result {
        Ok(Attempt::Skipped) | Err(Error::NamespaceTerminating) => Ok(Action::await_change()),
        Err(error) if !error.awaits_change() => Err(error),
        Ok(attempt) => {
            ctx.backoff.forget(&chatbox.namespaced_name());
            Ok(Action::requeue(pause(&attempt)))
        }
        Err(_) => {
            ctx.backoff.forget(&chatbox.namespaced_name());
            Ok(Action::requeue(pause(&Attempt::Converged)))
        }
    }
}

/// What to do after a failure.
pub fn error_policy(chatbox: &GuardedChatbox, error: &Error, ctx: &Context) -> Action {
    let key = chatbox.namespaced_name();
    let delay = ctx.backoff.failed(key.clone());
    let delay = error.retry_after().map_or(delay, |least| delay.max(least));
    tracing::warn!(chatbox = %key, %error, ?delay, "reconcile failed; will retry");
    Action::requeue(delay)
}

/// What a reconcile without failure did.
enum Attempt {
    /// Everything is as desired.
    Converged,
    /// Everything is applied, and pods are being replaced.
    RollingOut,
    /// Its objects are deleted too; to repair them now would be to fight that.
    Skipped,
}

/// When the next reconcile is due although nothing has been reported.
fn pause(attempt: &Attempt) -> Duration {
    match attempt {
        Attempt::RollingOut => LOOK_AGAIN.mul_f64(rand::random_range(1.0..3.0)),
        // Never sooner: the Secrets that were read must be too old by then.
        Attempt::Converged | Attempt::Skipped => RESYNC.mul_f64(rand::random_range(1.0..1.2)),
    }
}

/// Settles, reconciles and reports, each within its time: what is settled has a time for each request.
async fn attempt(ctx: &Context, chatbox: &GuardedChatbox, now: Instant) -> Result<Attempt, Error> {
    let stored = chatbox.stored()?;
    if ctx.cache.namespaces().contain(&stored) {
        return Ok(Attempt::Skipped);
    }
    let cached = ctx.cache.owned_objects().of(&stored.namespaced_name);
    let timeout = Duration::from_secs(TIMEOUT_SECONDS);
    let timed_out = || Error::TimedOut(TIMEOUT_SECONDS);
    let (unsettled, cached) = settle(ctx, chatbox, &stored, cached).await;
    if chatbox.is_terminating() {
        return unsettled.map_or(Ok(Attempt::Skipped), Err);
    }
    let converged = converge(ctx, chatbox, &stored, cached.clone(), now);
    let Outcome {
        result,
        claim,
        objects,
    } = tokio::time::timeout(timeout, converged)
        .await
        .unwrap_or_else(|_| Outcome::new(Err(timed_out()), cached));
    if matches!(result, Err(Error::NamespaceTerminating)) {
        let namespace = &stored.namespaced_name.namespace;
        ctx.cache.mark_namespace_terminating(namespace);
        return Err(Error::NamespaceTerminating);
    }
    let (result, objects) = match result {
        Err(error) if chatbox.is_stopped && !error.is_without_answer() => {
            let stopped = stop(ctx, &stored, objects.clone());
            match tokio::time::timeout(timeout, stopped).await {
                Ok(Ok(objects)) => (Err(error), objects),
                Ok(Err(refused)) => (Err(error.and(refused)), objects),
                Err(_) => (Err(error.and(timed_out())), objects),
            }
        }
        result => (result, objects),
    };
    let volume = volume(chatbox, &stored, &objects, claim.as_ref());
    let unseen = ctx.cache.sync.unseen();
    let facts = Facts {
        generation: chatbox.metadata.generation,
        result: &result,
        unsettled: unsettled.as_ref(),
        claim: claim.as_ref(),
        volume: &volume,
        objects: &objects,
        unseen: &unseen,
    };
    let updated = status::update_status(ctx, chatbox, &stored, &facts);
    tokio::time::timeout(timeout, updated)
        .await
        .unwrap_or(Err(timed_out()))?;
    let is_settled = status::progress(&stored, &objects).is_settled();
    outcome(result, unsettled.or(claim), is_settled)
}

/// What a reconcile has come to. `beside` is why kept objects are not as they should be. Pure.
fn outcome(
    result: Result<Converged, Error>,
    beside: Option<Error>,
    is_settled: bool,
) -> Result<Attempt, Error> {
    match (result, beside) {
        (Err(error), _) if !error.awaits_change() => Err(error),
        // What awaits a change must not keep this from being tried again.
        (_, Some(error)) | (Err(error), None) => Err(error),
        (Ok(_), None) if is_settled => Ok(Attempt::Converged),
        (Ok(_), None) => Ok(Attempt::RollingOut),
    }
}

/// Makes the owners of kept objects follow the deletion policy, whatever else is wrong with the Chatbox and whether it is
/// paused or being deleted. Returns why that is not so, and the objects as they are known then.
async fn settle(
    ctx: &Context,
    chatbox: &GuardedChatbox,
    stored: &Stored,
    cached: Arc<OwnedObjects>,
) -> (Option<Error>, Arc<OwnedObjects>) {
    let mut failures = Vec::new();
    let claim = names::data(&stored.namespaced_name.name);
    let read = observe::with_claim(ctx, chatbox, stored, cached.clone());
    let objects = apply::answer(Kind::PERSISTENT_VOLUME_CLAIM, &claim, read).await;
    // The keys are settled all the same.
    let objects = objects.unwrap_or_else(|error| {
        failures.push(error);
        cached
    });
    let wishes = Wishes {
        policy: chatbox.deletion_policy,
        uses: chatbox.uses,
        is_terminating: chatbox.is_terminating(),
    };
    let owner = guarded::owner(&stored.namespaced_name.name, &stored.uid);
    let unsettled = retention::unsettled(stored, &owner, wishes, &objects);
    let (refused, objects) = apply::settle(ctx, stored, unsettled, objects).await;
    failures.extend(refused);
    (Error::all(failures), objects)
}

/// Stops the pods of a Chatbox that asks for none, although something else of it cannot be applied.
async fn stop(
    ctx: &Context,
    stored: &Stored,
    objects: Arc<OwnedObjects>,
) -> Result<Arc<OwnedObjects>, Error> {
    let objects = observe::with_deployment(ctx, stored, objects).await?;
    match diff::to_be_stopped(stored, &objects) {
        Some(uid) => apply::stop(ctx, stored, uid, objects).await,
        None => Ok(objects),
    }
}

/// What the spec asks of the volume and it is not. `refused` is why the claim was not changed.
fn volume(
    chatbox: &GuardedChatbox,
    stored: &Stored,
    objects: &OwnedObjects,
    refused: Option<&Error>,
) -> Differences {
    let spec = chatbox.spec.as_ref().ok();
    let wanted = spec.and_then(validate::claim_of);
    let differences = wanted.zip(objects.claim(stored)).map(|(wanted, claim)| {
        let name = names::data(&stored.namespaced_name.name);
        difference::differences(&name, wanted, claim)
    });
    let differences = differences.unwrap_or_default();
    match refused {
        Some(error) => differences.with_refusal(error.to_string()),
        None => differences,
    }
}

/// What has become of the cluster.
struct Outcome {
    result: Result<Converged, Error>,
    /// Why the claim is not changed. It exists, so pods have what they need.
    claim: Option<Error>,
    /// The objects as they are known then.
    objects: Arc<OwnedObjects>,
}

impl Outcome {
    fn new(result: Result<Converged, Error>, objects: Arc<OwnedObjects>) -> Self {
        Self {
            result,
            claim: None,
            objects,
        }
    }
}

async fn converge(
    ctx: &Context,
    chatbox: &GuardedChatbox,
    stored: &Stored,
    cached: Arc<OwnedObjects>,
    now: Instant,
) -> Outcome {
    let spec = match &chatbox.spec {
        Ok(spec) => spec,
        Err(problem) => return Outcome::new(Err(Error::Undecodable(problem.clone())), cached),
    };
    let refused = ctx.restrictions.check(&spec.config);
    if !refused.is_empty() {
        return Outcome::new(Err(Error::NotAllowed(refused)), cached);
    }
    let generation = chatbox.metadata.generation;
    let image = status::last(ctx, chatbox, stored).image;
    let observation = observe::observe(ctx, stored, generation, spec, cached.clone(), image, now);
    let observation = observation.await;
    let Observation { observed, objects } = match observation {
        Ok(observation) => observation,
        Err(error) => return Outcome::new(Err(error), cached),
    };
    match validate::validate(&chatbox.identity(), spec, &observed) {
        Ok(validated) => act(ctx, stored, spec.paused, &validated, objects.clone())
            .await
            .unwrap_or_else(|error| Outcome::new(Err(error), objects)),
        Err(findings) => Outcome::new(Err(findings.into()), objects),
    }
}

/// Makes the cluster match the plan, unless the Chatbox is paused.
async fn act(
    ctx: &Context,
    chatbox: &Stored,
    paused: bool,
    validated: &ValidatedChatbox,
    observed: Arc<OwnedObjects>,
) -> Result<Outcome, Error> {
    let plan = plan::plan(validated);
    let work = find_work(ctx, chatbox, plan.objects()?, observed).await?;
    let converged = Converged {
        url: plan::service::url(validated),
        pending: paused.then(|| diff::pending(&work.changes)),
    };
    let mut failures = work.failures;
    if paused {
        let result = Error::all(failures).map_or(Ok(converged), Err);
        return Ok(Outcome::new(result, work.live));
    }
    let (secrets, changes) = (plan.new_secrets(), work.changes);
    let applied = apply::apply(ctx, chatbox, &secrets, changes, work.live, work.is_held).await;
    let live = applied.objects;
    failures.extend(applied.failures);
    if failures
        .iter()
        .any(|failure| matches!(failure, Error::NamespaceTerminating))
    {
        return Err(Error::NamespaceTerminating);
    }
    // Pods that still run may start again: what they were made from stays until the new ones have taken over.
    if applied.is_deployed && status::progress(chatbox, &live).is_settled() {
        failures.extend(apply::prune(ctx, chatbox, work.stale).await);
    }
    let has_claim = live.claim(chatbox).is_some();
    let (of_claim, failures) = diff::part(failures, has_claim);
    Ok(Outcome {
        result: Error::all(failures).map_or(Ok(converged), Err),
        claim: Error::all(of_claim),
        objects: live,
    })
}

/// What is to be done.
struct Work {
    live: Arc<OwnedObjects>,
    changes: Vec<(Object, Change)>,
    stale: Vec<Stale>,
    /// Why something cannot even be looked at.
    failures: Vec<Error>,
    /// Whether pods may need some of that.
    is_held: bool,
}

async fn find_work(
    ctx: &Context,
    chatbox: &Stored,
    planned: Vec<Object>,
    observed: Arc<OwnedObjects>,
) -> Result<Work, Error> {
    let unavailable = |kind| ctx.cache.sync.unavailable(kind);
    let (desired, mut failures) = diff::available(planned.clone(), unavailable);
    let (live, unread) = observe::with_planned(ctx, chatbox, &desired, observed).await?;
    let desired = diff::readable(desired, &unread);
    let is_held = unread.iter().any(diff::holds_pods);
    failures.extend(unread);
    let answers = ctx.cache.answers().of(chatbox);
    Ok(Work {
        // What cannot be written or read is planned all the same.
        stale: diff::stale(chatbox, &planned, &live),
        changes: diff::changes(chatbox, desired, &live, &answers),
        live,
        failures,
        is_held,
    })
}

fn measured(result: &Result<Attempt, Error>) -> metrics::Outcome {
    match result {
        Ok(Attempt::Converged | Attempt::RollingOut) => metrics::Outcome::Converged,
        Ok(Attempt::Skipped) | Err(Error::NamespaceTerminating) => metrics::Outcome::Skipped,
        Err(error) if error.awaits_change() => metrics::Outcome::Invalid,
        Err(error) if error.is_transient() => metrics::Outcome::Failed,
        Err(_) => metrics::Outcome::Refused,
    }
}

#[cfg(test)]
mod tests;
