//! Which members of staff have a connection of this process to a session that they have taken over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::chat::SessionId;

/// A session and the member of staff in it.
type Key = (SessionId, String);

/// Those that are there. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Attendance(Arc<Mutex<HashMap<Key, usize>>>);

/// One connection of a member of staff.
#[derive(Debug)]
pub struct Present {
    attendance: Attendance,
    key: Key,
}

impl Attendance {
    pub fn enter(&self, session: &SessionId, agent: &str) -> Present {
        let key = (session.clone(), agent.to_owned());
        *self.all().entry(key.clone()).or_default() += 1;
        Present {
            attendance: self.clone(),
            key,
        }
    }

    pub(super) fn present(&self) -> Vec<Key> {
        self.all().keys().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut all = self.attendance.all();
        if let Some(connections) = all.get_mut(&self.key) {
            *connections -= 1;
            if *connections == 0 {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_connection_that_goes_takes_its_member_of_staff_away() {
        let attendance = Attendance::default();
        let session = SessionId::random();
        let one = attendance.enter(&session, "a");
        let other = attendance.enter(&session, "a");
        let third = attendance.enter(&session, "b");
        assert_eq!(attendance.present().len(), 2);
        drop((one, third));
        assert_eq!(attendance.present(), [(session, "a".to_owned())]);
        drop(other);
        assert_eq!(attendance.present(), []);
    }
}
