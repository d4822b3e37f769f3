//! How many answers are written at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many at the same time, of one user and in all. Cheap to clone.
#[derive(Clone)]
pub(super) struct Slots(Arc<Inner>);

struct Inner {
    per_user: usize,
    /// Of users who hold a slot or wait for one.
    by_user: Mutex<HashMap<String, Weak<Semaphore>>>,
    all: Arc<Semaphore>,
}

/// One of them; given back when dropped.
pub struct Slot {
    _of_user: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(per_user: usize, all: usize) -> Self {
        Self(Arc::new(Inner {
            per_user,
            by_user: Mutex::default(),
            all: Arc::new(Semaphore::new(all)),
        }))
    }

    /// A slot of this user, if one is free.
    pub(super) fn try_take(&self, user: &str) -> Option<Slot> {
        let of_user = self.of_user(user).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.0.all).try_acquire_owned().ok()?;
        Some(Slot {
            _of_user: of_user,
            _of_all: of_all,
        })
    }

    /// Waits for a slot of this user. Who waits longest gets the next one.
    pub(super) async fn take(&self, user: &str) -> Option<Slot> {
        // The semaphores are never closed.
        let of_user = self.of_user(user).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.0.all).acquire_owned().await.ok()?;
        Some(Slot {
            _of_user: of_user,
            _of_all: of_all,
        })
    }

    /// Forgets users who hold nothing.
    pub(super) fn forget_idle(&self) {
        self.by_user()
            .retain(|_, semaphore| semaphore.strong_count() > 0);
    }

    fn of_user(&self, user: &str) -> Arc<Semaphore> {
        let mut by_user = self.by_user();
        if let Some(semaphore) = by_user.get(user).and_then(Weak::upgrade) {
            return semaphore;
        }
        let semaphore = Arc::new(Semaphore::new(self.0.per_user));
        by_user.insert(user.to_owned(), Arc::downgrade(&semaphore));
        semaphore
    }

    fn by_user(&self) -> MutexGuard<'_, HashMap<String, Weak<Semaphore>>> {
        self.0
            .by_user
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_are_bounded_by_user_and_in_all_and_come_back() {
        let slots = Slots::new(2, 3);
        let (first, second) = (slots.try_take("a"), slots.try_take("a"));
        assert!(first.is_some() && second.is_some());
        assert!(slots.try_take("a").is_none(), "a user has two");
        let third = slots.try_take("b");
        assert!(third.is_some());
        assert!(slots.try_take("c").is_none(), "there are three in all");
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take("a").await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
        drop((second, third));
        slots.forget_idle();
        assert!(slots.by_user().is_empty());
    }
}
