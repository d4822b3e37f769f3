//! What a user changes in a session beside asking.

use super::Turns;
use crate::bus::Event;
use crate::chat::{Author, RunId, SessionId};
use crate::clock;
use crate::store::{Cancel, Judged, ModelChoice, Regenerate, StoreError};

impl Turns {
    /// Stops the answer that is being written, if it is the one that was meant, and says which one that is. Where another
    /// process writes it, that one learns it from its next checkpoint.
    pub async fn cancel(
        &self,
        session: &SessionId,
        author: Author,
        run: Option<RunId>,
    ) -> Result<Judged<Option<RunId>>, StoreError> {
        let request = Cancel {
            session: session.clone(),
            author,
            run,
        };
        let cancelled = self.deps().store.cancel(request).await?;
        if let Ok(Some(run)) = &cancelled {
            let stop = self.running().get(run).cloned();
            if let Some(stop) = stop {
                stop.cancel();
            }
        }
        Ok(cancelled)
    }

    /// Has the newest question answered once more, in place of the answer with this `seq`.
    pub async fn regenerate(
        &self,
        session: &SessionId,
        author: Author,
        answer: i64,
    ) -> Result<Judged<()>, StoreError> {
        let user = author.user.clone();
        let answers = !self.deps().lifecycle.is_stopping();
        let permit = answers.then(|| self.deps().limits.try_run(&user)).flatten();
        let request = Regenerate {
            session: session.clone(),
            author,
            answer,
            run: permit.is_some().then(|| self.new_run()),
        };
        let claim = match self.deps().store.regenerate(request).await? {
            Ok(claim) => claim,
            Err(rejection) => return Ok(Err(rejection)),
        };
        match (claim, permit) {
            (Some(claim), Some(permit)) => self.spawn(*claim, permit),
            _ if answers => self.spawn_waiting(session.clone(), user),
            // Whoever starts next answers.
            _ => {}
        }
        Ok(Ok(()))
    }

    /// Chooses the model of the next answers, one of [`crate::llm::Models`], and tells everybody in the session.
    pub async fn choose_model(
        &self,
        session: &SessionId,
        author: Author,
        model: &str,
    ) -> Result<Judged<()>, StoreError> {
        let choice = ModelChoice {
            session: session.clone(),
            author,
            model: model.to_owned(),
            at: clock::now(),
        };
        let chosen = self.deps().store.choose_model(choice).await?;
        if chosen.is_ok() {
            let event = Event::ModelChosen {
                model: model.to_owned(),
            };
            self.deps().bus.publish(session, event);
        }
        Ok(chosen)
    }
}
