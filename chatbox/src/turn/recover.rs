//! What a crash left behind: runs without a process, questions without a run.

use super::Turns;
use crate::chat::{MessageId, Status};
use crate::clock;
use crate::store::{Abandoned, Answer, StoreError};

impl Turns {
    /// Closes what was half said, gives back what was not begun, and goes on answering. Once, at start.
    pub async fn recover(&self) -> Result<(), StoreError> {
        for abandoned in self.0.store.abandoned().await? {
            self.recover_run(abandoned).await?;
        }
        for session in self.0.store.waiting().await? {
            self.kick(session);
        }
        Ok(())
    }

    async fn recover_run(&self, abandoned: Abandoned) -> Result<(), StoreError> {
        let Abandoned { run, text } = abandoned;
        if text.is_empty() {
            tracing::info!(session.id = %run.session, run.id = %run.id, "a run had not begun to speak; its question is asked again");
            return self.0.store.release(run.id).await;
        }
        tracing::info!(session.id = %run.session, run.id = %run.id, "a run broke off in the middle; what it said is kept");
        let answer = Answer {
            id: MessageId::new(),
            content: text,
            status: Status::Interrupted,
            at: clock::now(),
            tokens: 0,
            took_ms: 0,
        };
        self.0.store.finish(&run, answer).await.map(drop)
    }
}
