//! Binds a connection to a session, and sends what the client has missed of it.

use super::follow::{Follow, Step};
use super::pump::Closed;
use super::{Connection, Following, Start, refusal};
use crate::bus::Subscription;
use crate::chat::SessionId;
use crate::clock;
use crate::store::Page;
use crate::wire::outbound::Frame;

/// Messages that a client is caught up with; one that missed more reads the history over HTTP.
const CATCH_UP: i64 = 500;
/// Of these, so much is held in memory at once while a slow client takes it.
const PAGE: Page = Page {
    messages: 100,
    bytes: 256 * 1024,
};

impl Connection {
    /// Follows a session from where the client left it. Subscribed first, read then: nothing falls between.
    pub(super) async fn bind(&mut self, start: Start) -> Result<(), Closed> {
        let events = self.state.bus.subscribe(&start.session);
        let session = match self.state.store.session(&start.session).await {
            Ok(session) => session,
            Err(error) => return self.store_failed(&start.session, &error).await,
        };
        let Some(session) = session else {
            // Nobody's yet. Its first message makes it somebody's, and then it is looked at again.
            let caught_up = Frame::caught_up(clock::now(), &start.session, 0, true);
            let is_asked = start.after.is_some();
            self.waiting = Some((start, events));
            return if is_asked {
                self.pump.send(&caught_up).await
            } else {
                Ok(())
            };
        };
        self.waiting = None;
        if session.user != self.caller.user {
            return self.reject(None, refusal::foreign()).await;
        }
        let after = start.after.unwrap_or(session.seq).min(session.seq);
        self.follow(Follow::new(start.session, after, start.run), events);
        let recovered = self.catch_up().await?;
        if let (Some(_), true, Some(following)) = (start.after, recovered, &self.following) {
            let follow = &following.follow;
            let caught_up = Frame::caught_up(clock::now(), follow.session(), follow.seq(), true);
            self.pump.feed(&caught_up).await?;
        }
        self.pump.flush().await
    }

    /// Sends what the store and the live run have beyond what the client has seen. False: that is too much, and the
    /// client was told to read the history over HTTP.
    pub(super) async fn catch_up(&mut self) -> Result<bool, Closed> {
        let Some(session) = self
            .following
            .as_ref()
            .map(|following| following.follow.session().clone())
        else {
            return Ok(true);
        };
        let recovered = self.send_missing(&session).await?;
        let Some(following) = &mut self.following else {
            return Ok(recovered);
        };
        if let Some(live) = self.state.turns.live(&session) {
            for frame in following.follow.snapshot(clock::now(), &live) {
                self.pump.feed(&frame).await?;
            }
        }
        Ok(recovered)
    }

    /// A page at a time: the next one is read when the client has taken the one before.
    async fn send_missing(&mut self, session: &SessionId) -> Result<bool, Closed> {
        let Some(Following { follow, .. }) = &mut self.following else {
            return Ok(true);
        };
        let newest = match self.state.store.session(session).await {
            Ok(newest) => newest.map_or(0, |session| session.seq),
            Err(error) => return self.store_failed(session, &error).await.map(|()| false),
        };
        if newest - follow.seq() > CATCH_UP {
            follow.skip_to(newest);
            self.pump
                .feed(&Frame::caught_up(clock::now(), session, newest, false))
                .await?;
            return Ok(false);
        }
        loop {
            let missing = match self
                .state
                .store
                .messages_after(session, follow.seq(), PAGE)
                .await
            {
                Ok(missing) => missing,
                Err(error) => return self.store_failed(session, &error).await.map(|()| false),
            };
            if missing.is_empty() {
                return Ok(true);
            }
            for message in &missing {
                if let Step::Send(frame) = follow.message(clock::now(), message) {
                    self.pump.feed(&frame).await?;
                }
            }
        }
    }

    pub(super) fn follow(&mut self, follow: Follow, events: Subscription) {
        self.following = Some(Following { follow, events });
        self.waiting = None;
    }
}
