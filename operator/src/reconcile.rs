//! One look at one Chatbox: observe, validate, plan, apply, report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;

use crate::apply;
use crate::children::Family;
use crate::context::Context;
use crate::diff::{self, Step};
use crate::error::Error;
use crate::metrics::Ending;
use crate::observe;
use crate::outcome::Converged;
use crate::plan::{self, Plan};
use crate::report::{self, Progress};
use crate::validate;
use crate::watched::Watched;

/// A look that takes longer has lost its API server.
const LIMIT_SECONDS: u64 = 30;
/// Watches are not known to miss anything; this mends it if one ever does.
const RESYNC: Duration = Duration::from_hours(1);

pub async fn reconcile(watched: Arc<Watched>, ctx: Arc<Context>) -> Result<Action, Error> {
    ctx.watches.wait().await;
    if watched.metadata.deletion_timestamp.is_some() {
        // Its objects go by themselves; to mend them now would be to fight the garbage collector.
        return Ok(Action::await_change());
    }
    let started = Instant::now();
    let mut family = ctx.children().family(&watched.key());
    let limit = Duration::from_secs(LIMIT_SECONDS);
    let result = tokio::time::timeout(limit, converge(&watched, &ctx, &mut family))
        .await
        .unwrap_or(Err(Error::TimedOut(LIMIT_SECONDS)));
    ctx.metrics.reconcile(ending(&result), started.elapsed());
    report::publish(&ctx, &watched, &result, &family).await?;
    match result {
        Err(error) if !error.awaits_change() => Err(error),
        _ => {
            ctx.backoff.forget(&watched.key());
            Ok(Action::requeue(
                RESYNC.mul_f64(rand::random_range(0.9..1.1)),
            ))
        }
    }
}

/// What to do after a failure.
pub fn retry(watched: &Watched, error: &Error, ctx: &Context) -> Action {
    let delay = ctx.backoff.failed(watched.key());
    tracing::warn!(chatbox = %watched.key(), %error, ?delay, "will try again");
    Action::requeue(delay)
}

async fn converge(
    watched: &Watched,
    ctx: &Context,
    family: &mut Family,
) -> Result<Converged, Error> {
    let spec = watched
        .spec
        .as_ref()
        .map_err(|problem| Error::Undecodable(problem.clone()))?;
    let identity = watched.identity();
    let observed = observe::observe(ctx, &identity, spec, family).await?;
    let valid = validate::validate(&identity, spec, &observed)?;
    let plan = plan::plan(&valid);
    let steps = apply::survey(ctx, &identity, &plan, family).await?;
    let held_back = spec
        .paused
        .then(|| steps.iter().filter(|(_, step)| *step != Step::Keep).count());
    if held_back.is_none() {
        apply::execute(ctx, &identity, &plan, steps, family).await?;
        apply::prune(ctx, &identity, stale(&identity, &plan, family)).await?;
    }
    Ok(Converged {
        url: plan::service::url(&valid),
        selector: plan::meta::selector_text(&identity.name),
        held_back,
    })
}

/// Pods that still run may start again: what they were made from stays until the new ones have taken over.
fn stale(identity: &validate::Identity, plan: &Plan, family: &Family) -> Vec<diff::Stale> {
    match report::progress(family) {
        Progress::Complete | Progress::Stopped => diff::stale(identity, plan, family),
        Progress::Underway(_) | Progress::Stuck(_) => Vec::new(),
    }
}

fn ending(result: &Result<Converged, Error>) -> Ending {
    match result {
        Ok(_) => Ending::Done,
        Err(error) if error.awaits_change() => Ending::Invalid,
        Err(_) => Ending::Failed,
    }
}
