//! Sessions whose questions wait until their user may have one more answer written. A session has one waiter, whatever
//! the number of its questions, and there is an end to them all: the sweep finds the rest.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chat::SessionId;

/// As many as answers may be written at the same time.
const WAITERS: usize = 1000;

/// The sessions for which somebody waits. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Waiters(Arc<Mutex<HashSet<SessionId>>>);

/// Somebody waits for this session, until it is dropped.
pub(super) struct Waiter {
    all: Waiters,
    session: SessionId,
}

impl Waiters {
    /// `None`: somebody waits for it already, or too many wait.
    pub(super) fn enter(&self, session: &SessionId) -> Option<Waiter> {
        let mut sessions = self.sessions();
        let is_new = sessions.len() < WAITERS && sessions.insert(session.clone());
        is_new.then(|| Waiter {
            all: self.clone(),
            session: session.clone(),
        })
    }

    fn sessions(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.all.sessions().remove(&self.session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_waiter_and_there_is_an_end_to_them_all() {
        let all = Waiters::default();
        let session = |number| SessionId::parse(&format!("s{number}")).unwrap();
        let first = all.enter(&session(0));
        assert!(first.is_some() && all.enter(&session(0)).is_none());
        let more: Vec<_> = (1..)
            .map_while(|number| all.enter(&session(number)))
            .collect();
        assert_eq!(more.len(), WAITERS - 1);
        drop(first);
        assert!(all.enter(&session(0)).is_some());
    }
}
