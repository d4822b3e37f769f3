//! Binds a connection to a session, and sends what the client has missed of it.

use super::cursor::{Cursor, Step};
use super::transport::Closed;
use super::{Binding, Connection, Start, rejection};
use crate::bus::{LiveRun, Receiver};
use crate::chat::{Action, Message, SessionId};
use crate::clock;
use crate::old_clients::{Has, Position};
use crate::store::{Page, StoreError};
use crate::wire::{CLOSE_NOT_READ, ServerFrame};

/// Messages that a client is caught up with; one that missed more reads the history over HTTP.
const CATCH_UP_MAX: i64 = 500;
/// Of these, so much is held in memory at once while a slow client takes it.
const PAGE: Page = Page {
    messages: 100,
    bytes: 256 * 1024,
};

/// The same where slow clients hold as many pages as may be.
const SMALL_PAGE: Page = Page {
    messages: PAGE.messages,
    bytes: 4 * 1024,
};

impl Connection {
    /// Follows a session from where the client left it.
    pub(super) async fn bind(&mut self, start: Start) -> Result<(), Closed> {
        let is_asked = start.after.is_some();
        self.is_old &= !is_asked && start.run.is_none();
        self.follow(start, is_asked).await
    }

    /// Subscribed first, read then: nothing falls between. `is_asked`: the client is told when it has everything.
    pub(super) async fn follow(&mut self, start: Start, is_asked: bool) -> Result<(), Closed> {
        let subscription = self.state.bus.subscribe(&start.session).await;
        let session = match self.state.store.session(&start.session).await {
            Ok(session) => session,
            Err(error) => return Err(self.not_read(&start.session, &error).await),
        };
        let Some(session) = session else {
            return self.wait_for(start, is_asked, subscription.events).await;
        };
        let caller = self.caller.as_participant();
        if !caller.may(Action::Read, session.parties()) {
            return self.reject_session().await;
        }
        self.attend(&session.id, session.user == self.caller.user);
        self.feed_model(&session.id, session.model.as_deref())
            .await?;
        let mut cursor = if self.is_old {
            let has = match start.after {
                // It has waited for the session.
                Some(after) => Has::History(after),
                None => self.old_client_has(&start.session),
            };
            Cursor::appending(start.session, has, session.seq)
        } else {
            let after = start.after.unwrap_or(session.seq).min(session.seq);
            Cursor::new(start.session, after, start.run)
        };
        cursor.at_fence(session.fence);
        self.binding = Binding::Bound {
            cursor,
            events: subscription.events,
        };
        let recovered = self.send_missing(session.seq).await?;
        if let Binding::Bound { cursor, .. } = &mut self.binding {
            cursor.has_caught_up();
        }
        self.deliver_live(subscription.live.as_ref()).await?;
        self.remember();
        if let (Binding::Bound { cursor, .. }, true) = (&self.binding, recovered && is_asked) {
            let frame = ServerFrame::caught_up(clock::now(), cursor.session(), cursor.seq(), true);
            self.transport.feed(&frame).await?;
        }
        self.transport.flush().await
    }

    /// Nobody has this session yet. Its first message makes it somebody's, and then it is bound.
    async fn wait_for(
        &mut self,
        start: Start,
        is_asked: bool,
        events: Receiver,
    ) -> Result<(), Closed> {
        if is_asked {
            let caught_up = ServerFrame::caught_up(clock::now(), &start.session, 0, true);
            self.transport.send(&caught_up).await?;
        }
        self.present = None;
        self.binding = Binding::Waiting { start, events };
        Ok(())
    }

    /// Follows the session anew after events were lost, and sends what the client has missed.
    pub(super) async fn catch_up(&mut self) -> Result<(), Closed> {
        let Binding::Bound { cursor, events } = &mut self.binding else {
            return Ok(());
        };
        let session = cursor.session().clone();
        let subscription = self.state.bus.subscribe(&session).await;
        *events = subscription.events;
        let found = match self.state.store.session(&session).await {
            Ok(found) => found,
            Err(error) => return Err(self.not_read(&session, &error).await),
        };
        let caller = self.caller.as_participant();
        if found
            .as_ref()
            .is_some_and(|found| !caller.may(Action::Read, found.parties()))
        {
            return self.reject_session().await;
        }
        let (newest, fence) = found.map_or((0, 0), |session| (session.seq, session.fence));
        if let Binding::Bound { cursor, .. } = &mut self.binding {
            cursor.at_fence(fence);
        }
        self.send_missing(newest).await?;
        self.deliver_live(subscription.live.as_ref()).await
    }

    /// Sends messages up to `newest` at least, a page at a time: the next one is read when the client has taken the one
    /// before. False: there are too many, and the client was told to read the history over HTTP.
    async fn send_missing(&mut self, newest: i64) -> Result<bool, Closed> {
        let Binding::Bound { cursor, .. } = &mut self.binding else {
            return Ok(true);
        };
        let session = cursor.session().clone();
        if newest - cursor.seq() > CATCH_UP_MAX {
            cursor.skip_to(newest);
            let frame = ServerFrame::caught_up(clock::now(), &session, newest, false);
            self.transport.feed(&frame).await?;
            return Ok(false);
        }
        while cursor.seq() < newest {
            let before = cursor.seq();
            // Held until the client has taken the page.
            let permit = self.state.limits.try_page(&self.caller.user);
            let size = if permit.is_some() { PAGE } else { SMALL_PAGE };
            let page = self
                .state
                .store
                .messages_after(&session, cursor.seq(), size)
                .await;
            let missing = match page {
                Ok(missing) => missing,
                Err(error) => return Err(self.not_read(&session, &error).await),
            };
            for message in &missing {
                if let Step::Send(frame) = cursor.message(clock::now(), message) {
                    self.transport.feed(&frame).await?;
                }
            }
            if cursor.seq() == before {
                // Messages are never removed; without this, a damaged session would be read for ever.
                tracing::error!(session.id = %session, seq = before + 1, "a message is missing in the store");
                cursor.skip_to(newest);
            }
        }
        Ok(true)
    }

    /// Sends what the run at work has produced so far.
    pub(super) async fn deliver_live(&mut self, live: Option<&LiveRun>) -> Result<(), Closed> {
        let Binding::Bound { cursor, .. } = &mut self.binding else {
            return Ok(());
        };
        for frame in cursor.live(clock::now(), live) {
            self.transport.feed(&frame).await?;
        }
        Ok(())
    }

    /// For a connection that a message has bound to its session.
    pub(super) fn cursor_before(&mut self, message: &Message) -> Cursor {
        let before = message.seq - 1;
        if !self.is_old {
            return Cursor::new(message.session.clone(), before, None);
        }
        let has = match self.old_client_has(&message.session) {
            Has::Sent(Position { run, .. }) => Has::Sent(Position { seq: before, run }),
            Has::History(_) | Has::Nothing => Has::History(before),
        };
        let mut cursor = Cursor::appending(message.session.clone(), has, before);
        cursor.has_caught_up();
        cursor
    }

    /// What a client has that never says it; from now on it is remembered.
    fn old_client_has(&mut self, session: &SessionId) -> Has {
        let all = &self.state.old_clients;
        let (client, has) = all.connects(&self.caller.user, session);
        self.old_client = Some(client);
        has
    }

    /// Keeps what a client was sent that never says what it has.
    pub(super) fn remember(&self) {
        if let (Some(client), Binding::Bound { cursor, .. }) = (&self.old_client, &self.binding) {
            client.was_sent(cursor.position());
        }
    }

    /// Ends the connection: what it lacks is not known, and so nothing that comes later could be sent in order. The
    /// client comes back, and resumes from what it has.
    async fn not_read(&mut self, session: &SessionId, error: &StoreError) -> Closed {
        tracing::error!(session.id = %session, cause = format!("{:#}", error.cause()), "cannot read a session");
        let close = (CLOSE_NOT_READ, "the session could not be read");
        self.end(Some(session), rejection::not_read(), close).await
    }
}
