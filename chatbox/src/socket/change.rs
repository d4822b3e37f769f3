//! What a client asks for beside questions: another model, the end of an answer, another answer.

use tokio::time::sleep;

use super::transport::Closed;
use super::{Connection, SLOW_DOWN, Start, hello, rejection};
use crate::chat::{Session, SessionId};
use crate::clock;
use crate::store::{Judged, StoreError};
use crate::wire::inbound::{Cancel, ModelSelect, Regenerate};
use crate::wire::{Rejection, ServerFrame};

impl Connection {
    /// Chooses the model of the next answers. Everybody in the session is told, this client too.
    pub(super) async fn select_model(&mut self, select: ModelSelect) -> Result<(), Closed> {
        let session = select
            .session
            .or_else(|| self.binding.session().cloned())
            .unwrap_or_else(SessionId::random);
        if !self.is_in_time(&session).await? {
            return Ok(());
        }
        if !self.state.models.ids().contains(&select.model) {
            return self
                .reject(Some(&session), rejection::unknown_model())
                .await;
        }
        let author = self.caller.to_author();
        let turns = self.state.turns.clone();
        let chosen = turns.choose_model(&session, author, &select.model);
        if let Err(rejection) = judged(self.meanwhile(chosen).await?) {
            return self.reject(Some(&session), rejection).await;
        }
        if self.binding.is_bound_to(&session) {
            return Ok(());
        }
        let hello = hello(&self.caller, &self.state, Some(&session));
        self.transport.feed(&hello).await?;
        let start = Start {
            session,
            after: None,
            run: None,
        };
        self.bind(start).await
    }

    /// Tells a client that a message has bound to a session which model was chosen there, if one was.
    pub(super) async fn tell_model(&mut self, session: &SessionId) -> Result<(), Closed> {
        // Without it the client shows the default, until it connects again.
        let Ok(Some(Session { model, .. })) = self.state.store.session(session).await else {
            return Ok(());
        };
        self.feed_model(session, model.as_deref()).await
    }

    pub(super) async fn feed_model(
        &mut self,
        session: &SessionId,
        chosen: Option<&str>,
    ) -> Result<(), Closed> {
        let Some(model) = chosen.filter(|id| self.state.models.ids().contains(id)) else {
            return Ok(());
        };
        let frame = ServerFrame::model_chosen(clock::now(), session, model);
        self.transport.feed(&frame).await
    }

    /// Stops the answer that is being written. One that has ended is left as it is, and that is no error.
    pub(super) async fn cancel(&mut self, cancel: Cancel) -> Result<(), Closed> {
        let Some(session) = self.session_or_reject(cancel.session).await? else {
            return Ok(());
        };
        let author = self.caller.to_author();
        let turns = self.state.turns.clone();
        let cancelled = turns.cancel(&session, author, cancel.run);
        match judged(self.meanwhile(cancelled).await?) {
            Ok(run) => {
                let frame = ServerFrame::cancelled(clock::now(), &session, run);
                self.transport.send(&frame).await
            }
            Err(rejection) => self.reject(Some(&session), rejection).await,
        }
    }

    /// Has the newest question answered once more. The answer comes as every other.
    pub(super) async fn regenerate(&mut self, regenerate: Regenerate) -> Result<(), Closed> {
        let Some(session) = self.session_or_reject(regenerate.session).await? else {
            return Ok(());
        };
        let author = self.caller.to_author();
        let turns = self.state.turns.clone();
        let begun = turns.regenerate(&session, author, regenerate.answer);
        match judged(self.meanwhile(begun).await?) {
            Ok(()) => Ok(()),
            Err(rejection) => self.reject(Some(&session), rejection).await,
        }
    }

    /// The session that a frame is about, unless it names none and there is none, or the client sends too much.
    pub(super) async fn session_or_reject(
        &mut self,
        named: Option<SessionId>,
    ) -> Result<Option<SessionId>, Closed> {
        let Some(session) = named.or_else(|| self.binding.session().cloned()) else {
            self.reject(None, rejection::no_session()).await?;
            return Ok(None);
        };
        Ok(self.is_in_time(&session).await?.then_some(session))
    }

    /// Counts a frame as a message. False: it was one too many, and the client was told.
    async fn is_in_time(&mut self, session: &SessionId) -> Result<bool, Closed> {
        let Err(wait) = self.state.limits.message(&self.caller.user) else {
            return Ok(true);
        };
        sleep(wait.min(SLOW_DOWN)).await;
        self.reject(Some(session), rejection::too_fast(wait))
            .await?;
        Ok(false)
    }
}

/// What a request came to, in the words for its sender.
pub(super) fn judged<T>(result: Result<Judged<T>, StoreError>) -> Result<T, Rejection> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(rejected)) => Err(rejection::not_admitted(rejected)),
        Err(error) => Err(rejection::not_stored(&error)),
    }
}
