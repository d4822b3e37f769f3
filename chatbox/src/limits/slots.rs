//! How much of something is done at the same time, by user or address and in all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many at the same time, for one key and in all.
pub(super) struct Slots<K>(Arc<Inner<K>>);

struct Inner<K> {
    per_key: usize,
    /// Of those who hold a slot or wait for one.
    by_key: Mutex<HashMap<K, Weak<Semaphore>>>,
    all: Arc<Semaphore>,
}

/// One of them; given back when dropped.
pub(super) struct Slot {
    _of_key: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl<K: Clone + Eq + Hash> Slots<K> {
    pub(super) fn new(per_key: usize, all: usize) -> Self {
        Self(Arc::new(Inner {
            per_key,
            by_key: Mutex::default(),
            all: Arc::new(Semaphore::new(all)),
        }))
    }

    /// A slot, if one is free.
    pub(super) fn try_take(&self, key: &K) -> Option<Slot> {
        let of_key = self.of_key(key).try_acquire_owned().ok()?;
        let of_all = Arc::clone(&self.0.all).try_acquire_owned().ok()?;
        Some(Slot {
            _of_key: of_key,
            _of_all: of_all,
        })
    }

    /// Waits for a slot. Who waits longest gets the next one.
    #[expect(clippy::expect_used, reason = "the semaphores are never closed")]
    pub(super) async fn take(&self, key: &K) -> Slot {
        let of_key = self.of_key(key).acquire_owned().await.expect("open");
        let of_all = Arc::clone(&self.0.all);
        Slot {
            _of_key: of_key,
            _of_all: of_all.acquire_owned().await.expect("open"),
        }
    }

    /// Forgets those who hold nothing.
    pub(super) fn forget_idle(&self) {
        self.by_key()
            .retain(|_, semaphore| semaphore.strong_count() > 0);
    }

    fn of_key(&self, key: &K) -> Arc<Semaphore> {
        let mut by_key = self.by_key();
        if let Some(semaphore) = by_key.get(key).and_then(Weak::upgrade) {
            return semaphore;
        }
        let semaphore = Arc::new(Semaphore::new(self.0.per_key));
        by_key.insert(key.clone(), Arc::downgrade(&semaphore));
        semaphore
    }

    fn by_key(&self) -> MutexGuard<'_, HashMap<K, Weak<Semaphore>>> {
        self.0.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_are_bounded_by_user_and_in_all_and_come_back() {
        let slots = Arc::new(Slots::new(2, 3));
        let (first, second) = (slots.try_take(&"a"), slots.try_take(&"a"));
        assert!(first.is_some() && second.is_some());
        assert!(slots.try_take(&"a").is_none(), "one has two");
        let third = slots.try_take(&"b");
        assert!(third.is_some());
        assert!(slots.try_take(&"c").is_none(), "there are three in all");
        let waiting = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { drop(slots.take(&"a").await) }
        });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.unwrap();
        drop((second, third));
        slots.forget_idle();
        assert!(slots.by_key().is_empty());
    }
}
