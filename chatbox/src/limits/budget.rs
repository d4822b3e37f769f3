//! Bytes that are held for somebody and are of no use yet: what is not complete, answers that grow.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes in use, by user, by address and in all. Cheap to clone.
#[derive(Clone)]
pub(super) struct Budget(Arc<Inner>);

struct Inner {
    used: Mutex<Used>,
    most: Most,
}

/// How many bytes there may be.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) of_user: usize,
    pub(super) of_address: usize,
    pub(super) in_all: usize,
}

#[derive(Default)]
struct Used {
    total: usize,
    by_user: HashMap<String, usize>,
    by_address: HashMap<IpAddr, usize>,
}

/// What one connection or one run holds of a budget; given back when dropped.
pub(super) struct Share {
    budget: Budget,
    /// `None`: nobody knows yet whose it is.
    user: Option<String>,
    /// `None`: it does not matter, or stands for many.
    address: Option<IpAddr>,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(most: Most) -> Self {
        Self(Arc::new(Inner {
            used: Mutex::default(),
            most,
        }))
    }

    /// A share of this user at this address, with nothing in it yet.
    pub(super) fn share(&self, user: Option<&str>, address: Option<IpAddr>) -> Share {
        Share {
            budget: self.clone(),
            user: user.map(ToOwned::to_owned),
            address,
            bytes: 0,
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set<K: Clone + Eq + Hash>(used: &mut HashMap<K, usize>, key: &K, bytes: usize) {
    if bytes == 0 {
        used.remove(key);
    } else if let Some(of_key) = used.get_mut(key) {
        *of_key = bytes;
    } else {
        used.insert(key.clone(), bytes);
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
        let most = self.budget.0.most;
        let after = |before: usize| before - self.bytes + bytes;
        let total = after(used.total);
        let of_user = self.user.as_ref();
        let of_user = of_user.map(|user| after(used.by_user.get(user).copied().unwrap_or(0)));
        let of_address = self.address.as_ref();
        let of_address =
            of_address.map(|key| after(used.by_address.get(key).copied().unwrap_or(0)));
        let is_over = total > most.in_all
            || of_user.is_some_and(|bytes| bytes > most.of_user)
            || of_address.is_some_and(|bytes| bytes > most.of_address);
        if bytes > self.bytes && is_over {
            return false;
        }
        used.total = total;
        if let (Some(user), Some(bytes)) = (&self.user, of_user) {
            set(&mut used.by_user, user, bytes);
        }
        if let (Some(address), Some(bytes)) = (&self.address, of_address) {
            set(&mut used.by_address, address, bytes);
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
    fn bytes_are_bounded_by_user_by_address_and_in_all_and_come_back() {
        let budget = Budget::new(Most {
            of_user: 10,
            of_address: 12,
            in_all: 15,
        });
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        let mut first = budget.share(Some("a"), here);
        let mut second = budget.share(Some("a"), None);
        assert!(first.resize(6) && second.resize(4));
        assert!(!second.resize(5), "a user has ten");
        let mut other = budget.share(Some("b"), None);
        assert!(!other.resize(6), "there are fifteen in all");
        assert!(other.resize(5));
        assert!(!budget.share(None, None).resize(1));
        assert!(other.resize(0));
        let mut nobody = budget.share(None, here);
        assert!(
            second.resize(0) && !nobody.resize(7),
            "an address has twelve"
        );
        assert!(nobody.resize(6) && nobody.resize(0));
        assert!(second.resize(4) && other.resize(5));
        assert!(first.resize(2), "less is always possible");
        assert!(second.resize(8));
        drop((first, second, other));
        assert_eq!(budget.used().total, 0);
        assert!(budget.used().by_user.is_empty() && budget.used().by_address.is_empty());
    }
}
