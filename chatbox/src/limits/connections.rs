//! How many connections are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Open connections, by user and in all. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connections(Arc<Inner>);

struct Inner {
    open: Mutex<Open>,
    per_user: usize,
    total: usize,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_user: HashMap<String, usize>,
}

/// Why there may not be one more connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The user has as many as one may.
    User,
    /// The server has.
    Server,
}

/// One of them, until it is dropped.
pub(super) struct Counted {
    connections: Connections,
    user: String,
}

impl Connections {
    pub(super) fn new(per_user: usize, total: usize) -> Self {
        Self(Arc::new(Inner {
            open: Mutex::default(),
            per_user,
            total,
        }))
    }

    /// One more of this user, unless there are too many.
    pub(super) fn add(&self, user: &str) -> Result<Counted, Full> {
        let mut open = self.open();
        let mine = open.by_user.get(user).copied().unwrap_or(0);
        if mine >= self.0.per_user {
            return Err(Full::User);
        }
        if open.total >= self.0.total {
            return Err(Full::Server);
        }
        open.total += 1;
        open.by_user.insert(user.to_owned(), mine + 1);
        Ok(Counted {
            connections: self.clone(),
            user: user.to_owned(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.total -= 1;
        if let Some(mine) = open.by_user.get_mut(&self.user) {
            *mine -= 1;
            if *mine == 0 {
                open.by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_until_they_end() {
        let connections = Connections::new(2, 3);
        let (first, second) = (connections.add("a").unwrap(), connections.add("a").unwrap());
        assert_eq!(connections.add("a").err(), Some(Full::User));
        let third = connections.add("b").unwrap();
        assert_eq!(connections.add("c").err(), Some(Full::Server));
        drop(first);
        assert!(connections.add("a").is_ok());
        drop((second, third));
        assert!(connections.open().by_user.is_empty());
        assert_eq!(connections.open().total, 0);
    }
}
