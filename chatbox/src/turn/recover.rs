//! What a process left behind that died or lost the store: runs whose lease has ended, questions without a run.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Turns;
use super::answer::Ending;
use super::run::Running;
use crate::chat::{MessageId, RunId, Status};
use crate::clock;
use crate::store::{Abandoned, Answer, ErrorKind, NewRun, StoreError};

/// How often somebody looks for what was left.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Runs and sessions taken up in one sweep; the next one takes the rest.
const SWEEP_MAX: usize = 500;

impl Turns {
    /// Closes what was half answered, and answers what nobody answers.
    pub async fn recover(&self) -> Result<(), StoreError> {
        let store = &self.deps().store;
        for abandoned in store.abandoned(clock::now(), SWEEP_MAX).await? {
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
            let turns = self.clone();
            self.deps()
                .lifecycle
                .spawn_run(async move { turns.answer_waiting(&session).await });
        }
        Ok(())
    }

    /// Does the same again and again. Ends never.
    pub async fn sweep(&self) -> anyhow::Error {
        let mut interval = interval(SWEEP_EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval.reset();
        loop {
            interval.tick().await;
            if self.deps().lifecycle.is_stopping() {
                continue;
            }
            if let Err(error) = self.recover().await {
                tracing::warn!(
                    cause = format!("{:#}", error.cause()),
                    "cannot look for runs that were left; the next sweep tries again"
                );
            }
        }
    }

    /// A run of this process whose lease ended while the store was away is not left: it goes on.
    fn is_running(&self, run: RunId) -> bool {
        self.running().contains_key(&run)
    }

    async fn recover_run(&self, abandoned: Abandoned) -> Result<(), StoreError> {
        let Abandoned { run, text } = abandoned;
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
        if text.is_empty() {
            tracing::info!(session.id = %run.session, run.id = %run.id, run.owner = %run.owner, "a run had produced nothing; its question is asked again");
            self.spawn(claim);
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
