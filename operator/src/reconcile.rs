//! One look at one Chatbox: observe, validate, plan, apply, report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;

use crate::apply;
use crate::cache::OwnedObjects;
use crate::context::Context;
use crate::diff::{self, Step};
use crate::error::Error;
use crate::guarded::GuardedChatbox;
use crate::identity::Identity;
use crate::metrics::Outcome;
use crate::observe;
use crate::plan::{self, Plan};
use crate::status::Converged;
use crate::status::{self, Progress};
use crate::validate;

/// A look that takes longer has lost its API server.
const LIMIT_SECONDS: u64 = 30;
/// Repairs what a watch may have missed, although no such case is known.
const RESYNC: Duration = Duration::from_hours(1);

pub async fn reconcile(watched: Arc<GuardedChatbox>, ctx: Arc<Context>) -> Result<Action, Error> {
    ctx.cache.sync.wait().await;
    if watched.metadata.deletion_timestamp.is_some() {
        // Its objects go by themselves; to mend them now would be to fight the garbage collector.
        return Ok(Action::await_change());
    }
    let started = Instant::now();
    let mut objects = ctx.cache.owned_objects().of(&watched.namespaced_name());
    let limit = Duration::from_secs(LIMIT_SECONDS);
    let result = tokio::time::timeout(limit, converge(&watched, &ctx, &mut objects))
        .await
        .unwrap_or(Err(Error::TimedOut(LIMIT_SECONDS)));
    ctx.metrics.reconcile(outcome(&result), started.elapsed());
    status::update_status(&ctx, &watched, &result, &objects).await?;
    match result {
        Err(error) if !error.awaits_change() => Err(error),
        _ => {
            ctx.backoff.forget(&watched.namespaced_name());
            Ok(Action::requeue(
                RESYNC.mul_f64(rand::random_range(0.9..1.1)),
            ))
        }
    }
}

/// What to do after a failure.
pub fn error_policy(watched: &GuardedChatbox, error: &Error, ctx: &Context) -> Action {
    let delay = ctx.backoff.failed(watched.namespaced_name());
    tracing::warn!(chatbox = %watched.namespaced_name(), %error, ?delay, "will try again");
    Action::requeue(delay)
}

async fn converge(
    watched: &GuardedChatbox,
    ctx: &Context,
    objects: &mut OwnedObjects,
) -> Result<Converged, Error> {
    let spec = watched
        .spec
        .as_ref()
        .map_err(|problem| Error::Undecodable(problem.clone()))?;
    let identity = watched.identity();
    let observed = observe::observe(ctx, &identity, spec, objects).await?;
    let valid = validate::validate(&identity, spec, &observed)?;
    let plan = plan::plan(&valid);
    let steps = apply::survey(ctx, &identity, &plan, objects).await?;
    let pending = spec
        .paused
        .then(|| steps.iter().filter(|(_, step)| *step != Step::Keep).count());
    if pending.is_none() {
        apply::execute(ctx, &identity, &plan, steps, objects).await?;
        apply::prune(ctx, &identity, stale(&identity, &plan, objects)).await?;
    }
    Ok(Converged {
        url: plan::service::url(&valid),
        selector: plan::meta::selector_text(&identity.name),
        pending,
    })
}

/// Pods that still run may start again: what they were made from stays until the new ones have taken over.
fn stale(identity: &Identity, plan: &Plan, objects: &OwnedObjects) -> Vec<diff::Stale> {
    match status::progress(objects) {
        Progress::Complete | Progress::Stopped => diff::stale(identity, plan, objects),
        Progress::InProgress(_) | Progress::Stalled(_) => Vec::new(),
    }
}

fn outcome(result: &Result<Converged, Error>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(error) if error.awaits_change() => Outcome::Invalid,
        Err(_) => Outcome::Failed,
    }
}
