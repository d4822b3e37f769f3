//! The state of each watch.
//!
//! Rule: nothing is decided before every watch has delivered its first list or has found its API absent; until then the
//! operator is not ready. A watch that is listed again later keeps its state: what it knew still holds.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::kind::{Availability, Kind};

/// Name of the watch on the Chatboxes themselves.
pub const CHATBOXES: &str = "Chatbox";

/// The state of each watch, by the name of its kind.
#[derive(Debug)]
pub struct WatchSync(watch::Sender<BTreeMap<&'static str, State>>);

/// The state of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first list is not complete yet, or it is not known yet whether the API is served.
    Pending,
    Synced,
    /// The cluster does not serve the API.
    NotServed,
}

impl WatchSync {
    pub fn new(kinds: &[Kind]) -> Self {
        let names = kinds.iter().map(|kind| kind.name());
        let all = names.chain([CHATBOXES]);
        Self(watch::Sender::new(
            all.map(|name| (name, State::Pending)).collect(),
        ))
    }

    /// The first list is complete.
    pub fn mark_synced(&self, name: &'static str) {
        self.set(name, State::Synced);
    }

    /// The API of an optional kind is absent.
    pub fn mark_not_served(&self, kind: Kind) {
        self.set(kind.name(), State::NotServed);
    }

    /// The API of an optional kind is there. Its objects can be written at once; the list follows.
    pub fn mark_served(&self, kind: Kind) {
        self.0.send_if_modified(|states| {
            let state = states.get_mut(kind.name());
            state.is_some_and(|state| {
                let was_absent = *state == State::NotServed;
                if was_absent {
                    *state = State::Synced;
                }
                was_absent
            })
        });
    }

    /// Whether objects of a kind can be written.
    pub fn is_served(&self, kind: Kind) -> bool {
        kind.definition().api == Availability::Required
            || self.0.borrow().get(kind.name()) == Some(&State::Synced)
    }

    /// The watches that are not synced yet.
    pub fn pending(&self) -> Vec<&'static str> {
        let states = self.0.borrow();
        let pending = states.iter().filter(|(_, state)| **state == State::Pending);
        pending.map(|(name, _)| *name).collect()
    }

    /// Returns once no watch is pending.
    pub async fn has_synced(&self) {
        let mut states = self.0.subscribe();
        let is_done = |states: &BTreeMap<_, State>| !states.values().any(|s| *s == State::Pending);
        // It ends only with the sender, which is ours.
        let _ = states.wait_for(is_done).await;
    }

    /// How many wait until no watch is pending.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.0.receiver_count()
    }

    fn set(&self, name: &'static str, state: State) {
        self.0
            .send_if_modified(|states| states.insert(name, state) != Some(state));
    }
}
