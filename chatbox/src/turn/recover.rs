//! What a process left behind that died or lost the store: runs whose lease has ended, questions without a run.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Turns;
use super::answer::Ending;
use super::run::Running;
use super::take_over_after::TakeOverAfter;
use crate::chat::{MessageId, RunId, Session, SessionId, Status};
use crate::clock;
use crate::store::{Abandoned, Answer, Claim, ErrorKind, NewRun, StoreError};

/// How often somebody looks for what was left.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Runs and sessions taken up in one sweep; the next one takes the rest.
const SWEEP_MAX: usize = 500;

impl Turns {
    /// Closes what was half answered, and answers what nobody answers: what an earlier process left.
    pub async fn recover(&self) -> Result<(), StoreError> {
        self.recover_after(&mut self.take_over_after()).await
    }

    fn take_over_after(&self) -> TakeOverAfter {
        TakeOverAfter::new(self.deps().store.is_shared(), Instant::now())
    }

    async fn recover_after(&self, after: &mut TakeOverAfter) -> Result<(), StoreError> {
        let store = &self.deps().store;
        let left = store.abandoned(clock::now(), SWEEP_MAX).await;
        after.read(left.is_ok(), Instant::now());
        let may_take_over = after.is_over(Instant::now());
        for abandoned in left?.into_iter().filter(|_| may_take_over) {
            if self.is_running(abandoned.run.id) {
                continue;
            }
            let run = abandoned.run.id;
            match self.recover_run(abandoned).await {
                // One run that can never be taken over must not keep others from it.
                Err(error) if error.kind() == ErrorKind::Permanent => {
                    tracing::error!(run.id = %run, cause = format!("{:#}", error.cause()), "cannot take over a run");
                }
                result => result?,
            }
        }
        for session in store.waiting(SWEEP_MAX).await? {
            let Some(permit) = self.deps().limits.try_left_run() else {
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
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = self.0.left_answered.notified() => {}
            }
            if self.deps().lifecycle.is_stopping() {
                continue;
            }
            if let Err(error) = self.recover_after(&mut after).await {
                tracing::warn!(
                    cause = format!("{:#}", error.cause()),
                    "cannot look for runs that were left; the next sweep tries again"
                );
            }
        }
    }

    /// Answers a question that was claimed before.
    fn spawn_again(&self, claim: Claim, permit: OwnedSemaphorePermit) {
        let turns = self.clone();
        self.deps().lifecycle.spawn_run(async move {
            let session = claim.run.session.clone();
            let deps = turns.deps();
            let user = match deps.store.session(&session).await {
                Ok(Some(session)) => session.user,
                // Only the bytes of its answer are counted by it.
                Ok(None) | Err(_) => String::new(),
            };
            let mut permit = deps.limits.left_run(permit, &user);
            turns.answer(claim, &mut permit).await;
            turns.answer_waiting(&session, &mut permit).await;
            drop(permit);
            turns.0.left_answered.notify_one();
        });
    }

    /// A run of this process whose lease ended while the store was away is not left: it goes on.
    fn is_running(&self, run: RunId) -> bool {
        self.running().contains_key(&run)
    }

    async fn recover_run(&self, abandoned: Abandoned) -> Result<(), StoreError> {
        let Abandoned { run, text } = abandoned;
        let permit = if text.is_empty() {
            match self.deps().limits.try_left_run() {
                permit @ Some(_) => permit,
                // It is taken up when others are done.
                None => return Ok(()),
            }
        } else {
            None
        };
        let new = if text.is_empty() {
            self.new_run()
        } else {
            // Those who saw its beginning know it by its id.
            NewRun {
                id: run.id,
                model: run.model.clone(),
                lease: self.lease(),
            }
        };
        let Some(claim) = self.deps().store.take_over(&run, new, clock::now()).await? else {
            return Ok(());
        };
        if let Some(permit) = permit {
            tracing::info!(session.id = %run.session, run.id = %run.id, run.owner = %run.owner, "a run had produced nothing; its question is asked again");
            self.spawn_again(claim, permit);
            return Ok(());
        }
        tracing::info!(session.id = %run.session, run.id = %run.id, run.owner = %run.owner, "a run broke off in the middle; what it produced is kept");
        let answer = Answer {
            id: MessageId::new(),
            content: text,
            status: Status::Interrupted,
            at: clock::now(),
            tokens: 0,
            took_ms: 0,
            provider_state: None,
        };
        let turns = self.clone();
        self.deps().lifecycle.spawn_run(async move {
            let _running = Running::new(&turns, claim.run.id);
            turns.finish(&claim.run, answer, &Ending::Interrupted).await;
        });
        Ok(())
    }
}
