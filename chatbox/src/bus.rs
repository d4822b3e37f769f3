//! Who follows a session hears of it at once. The bus may lose what it carries: a follower that finds a gap, or is
//! told that it was too slow, reads the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::chat::{Failure, Message, RunId, SessionId};

/// Events that a follower may fall behind; beyond, it catches up from the store. The queue is allocated at once for
/// each session that is followed, so it is as short as a burst of a fast model.
const BACKLOG: usize = 32;

/// What happens in a session.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message was stored.
    Stored(Arc<Message>),
    /// A run begins to work on an answer.
    Began { run: RunId, fence: i64 },
    /// The model said more.
    Said(Arc<Delta>),
    /// A run failed; its message was stored before.
    Failed {
        run: RunId,
        fence: i64,
        failure: Failure,
    },
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    pub run: RunId,
    pub fence: i64,
    pub model: String,
    /// Where the piece begins in the answer, in UTF-16 code units.
    pub off: usize,
    pub text: String,
}

/// Carries events within one process.
#[derive(Clone, Default)]
pub struct Bus {
    sessions: Arc<Mutex<HashMap<SessionId, broadcast::Sender<Event>>>>,
}

/// One follower of one session.
pub struct Subscription {
    session: SessionId,
    events: broadcast::Receiver<Event>,
    bus: Bus,
}

/// What a follower hears.
#[derive(Debug)]
pub enum Heard {
    Event(Event),
    /// Events were lost: read the store.
    Lagged,
}

impl Bus {
    pub fn publish(&self, session: &SessionId, event: Event) {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followers) = sessions.get(session) {
            // An error says that nobody follows any more, which is nobody's problem.
            let _ = followers.send(event);
        }
    }

    pub fn subscribe(&self, session: &SessionId) -> Subscription {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let followers = sessions
            .entry(session.clone())
            .or_insert_with(|| broadcast::channel(BACKLOG).0);
        Subscription {
            session: session.clone(),
            events: followers.subscribe(),
            bus: self.clone(),
        }
    }
}

impl Subscription {
    /// Waits for the next event.
    pub async fn next(&mut self) -> Heard {
        match self.events.recv().await {
            Ok(event) => Heard::Event(event),
            // The sender lives as long as this subscription, so the channel is never closed.
            Err(RecvError::Lagged(_) | RecvError::Closed) => Heard::Lagged,
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Heard> {
        match self.events.try_recv() {
            Ok(event) => Some(Heard::Event(event)),
            Err(TryRecvError::Lagged(_)) => Some(Heard::Lagged),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut sessions = self
            .bus
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if sessions
            .get(&self.session)
            .is_some_and(|followers| followers.receiver_count() <= 1)
        {
            sessions.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began() -> Event {
        Event::Began {
            run: RunId::new(),
            fence: 1,
        }
    }

    #[tokio::test]
    async fn every_follower_of_the_session_hears_it_and_no_other() {
        let bus = Bus::default();
        let (here, there) = (SessionId::random(), SessionId::random());
        let (mut first, mut second, mut other) = (
            bus.subscribe(&here),
            bus.subscribe(&here),
            bus.subscribe(&there),
        );
        bus.publish(&here, began());
        for follower in [&mut first, &mut second] {
            assert!(matches!(
                follower.next().await,
                Heard::Event(Event::Began { .. })
            ));
        }
        assert!(other.try_next().is_none());
    }

    #[test]
    fn a_slow_follower_is_told_that_it_lost_something() {
        let (bus, session) = (Bus::default(), SessionId::random());
        let mut slow = bus.subscribe(&session);
        for _ in 0..=BACKLOG {
            bus.publish(&session, began());
        }
        assert!(matches!(slow.try_next(), Some(Heard::Lagged)));
    }

    #[test]
    fn a_session_without_followers_takes_no_room() {
        let (bus, session) = (Bus::default(), SessionId::random());
        let (first, second) = (bus.subscribe(&session), bus.subscribe(&session));
        drop(first);
        assert_eq!(bus.sessions.lock().unwrap().len(), 1);
        drop(second);
        assert!(bus.sessions.lock().unwrap().is_empty());
    }
}
