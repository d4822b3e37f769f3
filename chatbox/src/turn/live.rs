//! What the runs of this process have said so far, for those who come in the middle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bus::Delta;
use crate::chat::{Run, RunId, SessionId};

/// A run at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub run: RunId,
    pub fence: i64,
    pub model: String,
    pub text: String,
}

#[derive(Clone, Default)]
pub(super) struct Live(Arc<Mutex<HashMap<SessionId, Snapshot>>>);

impl Live {
    pub(super) fn begin(&self, run: &Run) {
        let snapshot = Snapshot {
            run: run.id,
            fence: run.fence,
            model: run.model.clone(),
            text: String::new(),
        };
        self.lock().insert(run.session.clone(), snapshot);
    }

    /// Must come before the delta is published: whoever subscribed before it then finds it in one of the two.
    pub(super) fn say(&self, session: &SessionId, delta: &Delta) {
        if let Some(snapshot) = self
            .lock()
            .get_mut(session)
            .filter(|snapshot| snapshot.run == delta.run)
        {
            snapshot.text.push_str(&delta.text);
        }
    }

    pub(super) fn end(&self, run: &Run) {
        let mut all = self.lock();
        if all
            .get(&run.session)
            .is_some_and(|snapshot| snapshot.run == run.id)
        {
            all.remove(&run.session);
        }
    }

    pub(super) fn snapshot(&self, session: &SessionId) -> Option<Snapshot> {
        self.lock().get(session).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
