//! A bus within one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::event::{Event, LiveRun};
use super::queue::{Queue, Receiver};
use super::{Bus, Subscription};
use crate::chat::SessionId;

/// Carries events within one process, and knows its live runs. Cheap to clone.
#[derive(Clone, Default)]
pub struct LocalBus {
    topics: Arc<Topics>,
}

#[derive(Default)]
struct Topics(Mutex<HashMap<SessionId, Topic>>);

/// A session that somebody follows, or in which a run is at work.
#[derive(Default)]
struct Topic {
    live: Option<LiveRun>,
    followers: Vec<Arc<Queue>>,
}

/// Takes one follower off its topic.
struct Registration {
    topics: Arc<Topics>,
    session: SessionId,
    queue: Arc<Queue>,
}

impl LocalBus {
    /// Makes every follower of a session read the store, as after a broken connection to other processes. For tests.
    #[doc(hidden)]
    pub fn lag(&self, session: &SessionId) {
        let wakers: Vec<_> = match self.topics.lock().get(session) {
            Some(topic) => topic
                .followers
                .iter()
                .filter_map(|queue| queue.lag())
                .collect(),
            None => return,
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Sessions that take memory: followed ones, and those with a run at work. For tests.
    #[doc(hidden)]
    pub fn len(&self) -> usize {
        self.topics.lock().len()
    }

    #[doc(hidden)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn publish(&self, session: &SessionId, event: Event) {
        let event = Arc::new(event);
        let wakers: Vec<_> = {
            let mut topics = self.topics.lock();
            let is_start = matches!(*event, Event::RunStarted { .. });
            if is_start && !topics.contains_key(session) {
                topics.insert(session.clone(), Topic::default());
            }
            let Some(topic) = topics.get_mut(session) else {
                return;
            };
            topic.live = LiveRun::after(topic.live.take(), &event);
            let wakers = topic
                .followers
                .iter()
                .filter_map(|queue| queue.push(&event))
                .collect();
            if topic.is_unused() {
                topics.remove(session);
            }
            wakers
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    async fn subscribe(&self, session: &SessionId) -> Subscription {
        let queue = Arc::<Queue>::default();
        let live = {
            let mut topics = self.topics.lock();
            let topic = topics.entry(session.clone()).or_default();
            topic.followers.push(Arc::clone(&queue));
            topic.live.clone()
        };
        let registration = Registration {
            topics: Arc::clone(&self.topics),
            session: session.clone(),
            queue: Arc::clone(&queue),
        };
        Subscription {
            live,
            events: Receiver::new(queue, registration),
        }
    }
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Topic>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topic {
    fn is_unused(&self) -> bool {
        self.live.is_none() && self.followers.is_empty()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut topics = self.topics.lock();
        let Some(topic) = topics.get_mut(&self.session) else {
            return;
        };
        topic
            .followers
            .retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        if topic.is_unused() {
            topics.remove(&self.session);
        }
    }
}
