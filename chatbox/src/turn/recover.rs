//! What a process left behind that died or lost the store: runs whose lease has ended, questions without a run.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::answer::Ending;
use super::run::Running;
use super::take_over_after::TakeOverAfter;
use super::{LEASE, Turns};
use crate::chat::{MessageId, ModelIds, Run, RunId, Session, SessionId};
use crate::clock;
use crate::store::{Abandoned, Answer, ErrorKind, NewRun, StoreError};

/// How often somebody looks for what was left.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Runs and sessions taken up in one sweep; the next one takes the rest.
const SWEEP_MAX: usize = 500;
/// How often a question is put to a model while no attempt comes to an end: each one has its price.
const ATTEMPTS_MAX: u32 = 3;

impl Turns {
    /// Closes what was half answered, and answers what nobody answers: what an earlier process left.
    pub async fn recover(&self) -> Result<(), StoreError> {
        self.recover_after(&mut self.take_over_after()).await
    }

    fn take_over_after(&self) -> TakeOverAfter {
        let is_shared = self.deps().store.is_shared();
        let lease = if is_shared { LEASE } else { Duration::ZERO };
        TakeOverAfter::new(lease, Instant::now())
    }

    async fn recover_after(&self, after: &mut TakeOverAfter) -> Result<(), StoreError> {
        let store = &self.deps().store;
        let left = store.abandoned(clock::now(), SWEEP_MAX).await;
        after.read(left.is_ok(), Instant::now());
        let may_take_over = after.is_over(Instant::now());
        for abandoned in left?.into_iter().filter(|_| may_take_over) {
            let run = abandoned.run.id;
            if self.is_running(run) || self.given_up().contains(&run) {
                continue;
            }
            match self.recover_run(abandoned).await {
                // One run that can never be taken over must not keep others from it.
                Err(error) if error.kind() == ErrorKind::Permanent => {
                    self.given_up().insert(run);
                    tracing::error!(run.id = %run, cause = format!("{:#}", error.cause()), "cannot take over a run; it is left to the next process");
                }
                result => result?,
            }
        }
        for session in store.waiting(SWEEP_MAX).await? {
            let Some(permit) = self.deps().limits.try_recovery() else {
                break;
            };
            self.spawn_left(session, permit);
        }
        Ok(())
    }

    /// Answers what nobody answers in a session, unless its user has as many answers written as one may: then those
    /// that wait for their turn are told when it comes.
    fn spawn_left(&self, session: SessionId, permit: OwnedSemaphorePermit) {
        let turns = self.clone();
        self.deps().lifecycle.spawn_run(async move {
            let deps = turns.deps();
            let found = deps.store.session(&session).await;
            let Ok(Some(Session { user, .. })) = found else {
                // The next sweep tries again.
                return;
            };
            if let Some(mut asked) = deps.limits.try_run(&user) {
                let answered = turns.answer_waiting(&session, &mut asked).await;
                drop(permit);
                // A claim that fails would fail again at once, and wake the sweep again.
                if answered > 0 {
                    turns.0.left_answered.notify_one();
                }
            }
        });
    }

    /// Does the same again and again. Ends never.
    pub async fn sweep(&self) -> anyhow::Error {
        let mut interval = interval(SWEEP_EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval.reset();
        let mut after = self.take_over_after();
        // Who was there before this process started needs time to come back.
        let mut away_after = TakeOverAfter::new(self.deps().away, Instant::now());
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = self.0.left_answered.notified() => {}
            }
            if self.deps().lifecycle.is_stopping() {
                continue;
            }
            let attended = self.attend_sessions(&mut away_after).await;
            let recovered = self.recover_after(&mut after).await;
            if let Err(error) = recovered.and(attended) {
                tracing::warn!(
                    cause = format!("{:#}", error.cause()),
                    "cannot look for what was left; the next sweep tries again"
                );
            }
        }
    }

    /// Says which members of staff are there, and gives back the sessions of those who are away.
    async fn attend_sessions(&self, after: &mut TakeOverAfter) -> Result<(), StoreError> {
        let attended = self.attend().await;
        after.read(attended.is_ok(), Instant::now());
        attended?;
        if after.is_over(Instant::now()) {
            self.release_unattended().await?;
        }
        Ok(())
    }

    /// A run of this process whose lease ended while the store was away is not left: it goes on.
    fn is_running(&self, run: RunId) -> bool {
        self.running().contains_key(&run)
    }

    /// Runs that this process leaves alone from now on.
    fn given_up(&self) -> MutexGuard<'_, HashSet<RunId>> {
        let given_up = self.0.given_up.lock();
        given_up.unwrap_or_else(PoisonError::into_inner)
    }

    async fn recover_run(&self, abandoned: Abandoned) -> Result<(), StoreError> {
        let Abandoned {
            run,
            text,
            attempts,
            is_cancelled,
        } = abandoned;
        if is_cancelled {
            return self.close(&run, text, Ending::Cancelled).await;
        }
        if !text.is_empty() {
            tracing::info!(session.id = %run.session, run.id = %run.id, run.owner = %run.owner, "a run broke off in the middle; what it produced is kept");
            return self.close(&run, text, Ending::Interrupted).await;
        }
        if attempts >= ATTEMPTS_MAX {
            tracing::error!(session.id = %run.session, run.id = %run.id, attempts, "no run came to an end with this question; it is not asked again");
            return self.close(&run, text, Ending::GivenUp).await;
        }
        self.ask_again(&run).await
    }

    /// Puts the question of a run that had produced nothing to the model again, unless too many answers are written: of
    /// its user, or of what was left. Then it stays as it is until others are done.
    async fn ask_again(&self, run: &Run) -> Result<(), StoreError> {
        let deps = self.deps();
        let Some(Session { user, .. }) = deps.store.session(&run.session).await? else {
            return Ok(());
        };
        let Some(left) = deps.limits.try_recovery() else {
            return Ok(());
        };
        let Some(mut permit) = deps.limits.try_run(&user) else {
            return Ok(());
        };
        let new = self.new_run();
        let Some(claim) = deps.store.take_over(run, new, clock::now()).await? else {
            return Ok(());
        };
        tracing::info!(session.id = %run.session, run.id = %run.id, run.owner = %run.owner, "a run had produced nothing; its question is asked again");
        let turns = self.clone();
        deps.lifecycle.spawn_run(async move {
            let session = claim.run.session.clone();
            turns.answer(claim, &mut permit).await;
            turns.answer_waiting(&session, &mut permit).await;
            drop((permit, left));
            turns.0.left_answered.notify_one();
        });
        Ok(())
    }

    /// Ends a run with what is kept of it.
    async fn close(&self, run: &Run, text: String, ending: Ending) -> Result<(), StoreError> {
        let new = NewRun {
            // Those who saw its beginning know it by its id.
            id: run.id,
            models: ModelIds::of(run.model.clone()),
            lease: self.lease(),
        };
        let Some(claim) = self.deps().store.take_over(run, new, clock::now()).await? else {
            return Ok(());
        };
        let answer = Answer {
            id: MessageId::new(),
            content: text,
            status: ending.status(),
            model: run.model.clone(),
            at: clock::now(),
            tokens: 0,
            took_ms: 0,
            provider_state: None,
        };
        let turns = self.clone();
        self.deps().lifecycle.spawn_run(async move {
            let _running = Running::new(&turns, claim.run.id);
            if !turns.finish(&claim.run, answer, &ending).await {
                turns.given_up().insert(claim.run.id);
            }
        });
        Ok(())
    }
}
