//! The events that one follower has not taken yet: bounded in number and in bytes, and empty of any allocation while
//! nothing happens.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::event::Event;

/// Events that a follower may fall behind; beyond, it is caught up from the store.
const MAX_EVENTS: usize = 256;
/// Bytes of text that may wait for one follower.
const MAX_BYTES: usize = 256 * 1024;

/// What a follower is given.
#[derive(Debug)]
pub enum Received {
    /// Everything that waited, oldest first; at least one event.
    Events(Vec<Arc<Event>>),
    /// Events were lost: subscribe again, and read the store.
    Lagged,
}

/// The follower's end.
pub struct Receiver {
    queue: Arc<Queue>,
    /// Takes the follower off the bus when it is dropped.
    _registration: Box<dyn Send + Sync>,
}

#[derive(Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    events: Vec<Arc<Event>>,
    bytes: usize,
    lagged: bool,
    waker: Option<Waker>,
}

impl Queue {
    /// Adds an event, and gives the waker of a follower that waits for one. It is woken by the caller, when no lock is
    /// held.
    pub(super) fn push(&self, event: &Arc<Event>) -> Option<Waker> {
        let mut state = self.lock();
        if state.lagged {
            return None;
        }
        let bytes = state.bytes + event.size();
        if state.events.len() >= MAX_EVENTS || (bytes > MAX_BYTES && !state.events.is_empty()) {
            *state = State {
                lagged: true,
                waker: state.waker.take(),
                ..State::default()
            };
        } else {
            state.bytes = bytes;
            state.events.push(Arc::clone(event));
        }
        state.waker.take()
    }

    /// Makes the follower read the store.
    pub(super) fn lag(&self) -> Option<Waker> {
        let mut state = self.lock();
        state.events = Vec::new();
        state.bytes = 0;
        state.lagged = true;
        state.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Received> {
        if std::mem::take(&mut self.lagged) {
            return Some(Received::Lagged);
        }
        if self.events.is_empty() {
            return None;
        }
        self.bytes = 0;
        Some(Received::Events(std::mem::take(&mut self.events)))
    }
}

impl Receiver {
    pub(super) fn new(queue: Arc<Queue>, registration: impl Send + Sync + 'static) -> Self {
        Self {
            queue,
            _registration: Box::new(registration),
        }
    }

    /// Waits until there is something. Nothing is lost when the future is dropped before it is done.
    pub async fn recv(&mut self) -> Received {
        poll_fn(|context| {
            let mut state = self.queue.lock();
            if let Some(received) = state.take() {
                return Poll::Ready(received);
            }
            match &mut state.waker {
                Some(waker) => waker.clone_from(context.waker()),
                waker @ None => *waker = Some(context.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }

    /// What is there already.
    pub fn try_recv(&mut self) -> Option<Received> {
        self.queue.lock().take()
    }
}
