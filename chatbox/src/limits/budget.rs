//! Bytes that are held for somebody and are of no use yet: frames that are not complete, answers that grow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes in use, by user and in all. Cheap to clone.
#[derive(Clone)]
pub(super) struct Budget(Arc<Inner>);

struct Inner {
    used: Mutex<Used>,
    per_user: usize,
    total: usize,
}

#[derive(Default)]
struct Used {
    total: usize,
    by_user: HashMap<String, usize>,
}

/// What one connection or one run holds of a budget; given back when dropped.
pub(super) struct Share {
    budget: Budget,
    /// `None`: nobody knows yet whose it is; it counts in all.
    user: Option<String>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(per_user: usize, total: usize) -> Self {
        Self(Arc::new(Inner {
            used: Mutex::default(),
            per_user,
            total,
        }))
    }

    /// A share of this user, with nothing in it yet.
    pub(super) fn share(&self, user: Option<&str>) -> Share {
        Share {
            budget: self.clone(),
            user: user.map(ToOwned::to_owned),
            bytes: 0,
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn of(&self, user: &str) -> usize {
        self.by_user.get(user).copied().unwrap_or(0)
    }

    fn set(&mut self, user: &str, bytes: usize) {
        if bytes == 0 {
            self.by_user.remove(user);
        } else if let Some(of_user) = self.by_user.get_mut(user) {
            *of_user = bytes;
        } else {
            self.by_user.insert(user.to_owned(), bytes);
        }
    }
}

impl Share {
    /// Makes the share as large as this. False: there is not so much left, and it stays as it is.
    #[must_use]
    pub(super) fn resize(&mut self, bytes: usize) -> bool {
        if bytes == self.bytes {
            return true;
        }
        let mut used = self.budget.used();
        let limits = &self.budget.0;
        let total = used.total - self.bytes + bytes;
        let of_user = self.user.as_ref();
        let of_user = of_user.map(|user| used.of(user) - self.bytes + bytes);
        let is_over = total > limits.total || of_user.is_some_and(|bytes| bytes > limits.per_user);
        if bytes > self.bytes && is_over {
            return false;
        }
        used.total = total;
        if let (Some(user), Some(bytes)) = (&self.user, of_user) {
            used.set(user, bytes);
        }
        drop(used);
        self.bytes = bytes;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // To give back never fails.
        let _ = self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_bounded_by_user_and_in_all_and_come_back() {
        let budget = Budget::new(10, 15);
        let (mut first, mut second) = (budget.share(Some("a")), budget.share(Some("a")));
        assert!(first.resize(6) && second.resize(4));
        assert!(!second.resize(5), "a user has ten");
        let mut other = budget.share(Some("b"));
        assert!(!other.resize(6), "there are fifteen in all");
        assert!(other.resize(5));
        assert!(!budget.share(None).resize(1));
        assert!(first.resize(2), "less is always possible");
        assert!(second.resize(8));
        drop((first, second, other));
        assert_eq!(budget.used().total, 0);
        assert!(budget.used().by_user.is_empty());
    }
}
