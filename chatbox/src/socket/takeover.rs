//! Members of staff who come and go through their own connections, users who ask for them, and who is writing.

use std::time::Duration;

use tokio::time::Instant;

use super::change::judged;
use super::transport::Closed;
use super::{Binding, Connection, Start, hello, rejection};
use crate::bus::Event;
use crate::chat::{Sender, SessionId};
use crate::clock;
use crate::turn::TakenOver;
use crate::wire::ServerFrame;
use crate::wire::inbound::About;

/// How often it is passed on that somebody is writing.
const TYPING_EVERY: Duration = Duration::from_secs(2);

impl Connection {
    /// Takes a session over and follows it, from the message that says so.
    pub(super) async fn join_as_admin(&mut self, about: About) -> Result<(), Closed> {
        let Some(session) = self.session_or_reject(about.session).await? else {
            return Ok(());
        };
        let author = self.caller.to_author();
        let turns = self.state.turns.clone();
        let taken = turns.assign(&session, &author);
        match judged(self.meanwhile(taken).await?) {
            Ok(taken) => self.follow_as_admin(session, taken).await,
            Err(rejection) => self.reject(Some(&session), rejection).await,
        }
    }

    async fn follow_as_admin(
        &mut self,
        session: SessionId,
        taken: TakenOver,
    ) -> Result<(), Closed> {
        if self.binding.is_bound_to(&session) {
            return Ok(());
        }
        let hello = hello(&self.caller, &self.state, Some(&session));
        self.transport.feed(&hello).await?;
        let after = match taken {
            TakenOver::Now(seq) => seq - 1,
            // Nothing is missing but the word that the session is followed.
            TakenOver::Before => i64::MAX,
        };
        let start = Start {
            session,
            after: Some(after),
            run: None,
        };
        self.bind(start).await
    }

    /// Gives a session back to the model. Everybody in it is told, this client too.
    pub(super) async fn leave_as_admin(&mut self, about: About) -> Result<(), Closed> {
        let Some(session) = self.session_or_reject(about.session).await? else {
            return Ok(());
        };
        let author = self.caller.to_author();
        let turns = self.state.turns.clone();
        let released = turns.release(&session, &author);
        match judged(self.meanwhile(released).await?) {
            Ok(_) => Ok(()),
            Err(rejection) => self.reject(Some(&session), rejection).await,
        }
    }

    pub(super) async fn request_help(&mut self, about: About) -> Result<(), Closed> {
        let Some(session) = self.session_or_reject(about.session).await? else {
            return Ok(());
        };
        let author = self.caller.to_author();
        let turns = self.state.turns.clone();
        let asked = turns.request_help(&session, author);
        match judged(self.meanwhile(asked).await?) {
            Ok(()) => {
                let frame = ServerFrame::help_confirmed(clock::now(), &session);
                self.transport.send(&frame).await
            }
            Err(rejection) => self.reject(Some(&session), rejection).await,
        }
    }

    /// Tells the others in the session of this connection that somebody is writing. Nothing is answered, whatever comes.
    pub(super) fn typing(&mut self, about: &About) {
        let Binding::Bound { cursor, .. } = &self.binding else {
            return;
        };
        let session = cursor.session();
        let is_other = about.session.as_ref().is_some_and(|named| named != session);
        let is_due = self
            .typed
            .is_none_or(|typed| typed.elapsed() >= TYPING_EVERY);
        if is_other || !is_due {
            return;
        }
        self.typed = Some(Instant::now());
        let sender = if self.present.is_some() {
            Sender::Admin
        } else {
            Sender::User
        };
        let event = Event::Typing {
            user: self.caller.user.clone(),
            sender,
        };
        self.state.bus.publish(session, event);
    }

    /// This connection is bound to a session, which is its caller's own, or that of somebody whom the caller, a member of
    /// staff, helps: that one is there from now on.
    pub(super) fn attend(&mut self, session: &SessionId, is_own: bool) {
        let attendance = self.state.turns.attendance();
        self.present = (!is_own).then(|| attendance.enter(session, &self.caller.user));
    }

    /// The session was given back: it is none of this member of staff's any more.
    pub(super) fn leave_session(&mut self) {
        if self.present.take().is_some() {
            self.binding = Binding::None;
        }
    }

    /// Somebody in another session: a member of staff who has it no more is told, and follows it no longer.
    pub(super) async fn reject_session(&mut self) -> Result<(), Closed> {
        self.binding = Binding::None;
        self.present = None;
        self.reject(None, rejection::not_permitted()).await
    }
}
