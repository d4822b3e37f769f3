//! The state of each watch.
//!
//! Rule: nothing is decided before every watch has delivered its first list, has found its API absent, may not list, or, of an
//! optional API, has failed to list; until then the operator is not ready. A watch that is listed again later keeps its state: what
//! it knew still holds.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::kind::{Availability, Kind};

/// The state of each watch.
#[derive(Debug)]
pub struct WatchSync(watch::Sender<BTreeMap<Kind, State>>);

/// The state of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// The first list is not complete yet, or it is not known yet whether the API is served.
    Pending,
    /// The API has appeared and its first list is not complete yet. Its objects can be written meanwhile.
    Appeared,
    Synced,
    /// The cluster does not serve the API.
    NotServed,
    /// The API is served, and its first list has failed for this reason. It is tried again.
    Failed(String),
}

/// Why objects of a kind cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    NotServed,
    /// They cannot be listed.
    Failed(String),
}

impl WatchSync {
    /// Of the watches on these kinds, and on the Chatboxes themselves.
    pub fn new(kinds: &[Kind]) -> Self {
        let all = kinds.iter().copied().chain([Kind::CHATBOX]);
        Self(watch::Sender::new(
            all.map(|kind| (kind, State::Pending)).collect(),
        ))
    }

    /// A list is complete. Returns whether the one before it had failed.
    pub fn mark_synced(&self, kind: Kind) -> bool {
        let mut had_failed = false;
        self.change(kind, |state| {
            had_failed = matches!(state, State::Failed(_));
            Some(State::Synced)
        });
        had_failed
    }

    /// A list has failed, which nothing waits for. Returns whether that is new: of a kind that had synced, what is known holds.
    pub fn mark_failed(&self, kind: Kind, reason: &str) -> bool {
        let mut is_new = false;
        self.change(kind, |state| {
            is_new = matches!(state, State::Pending | State::Appeared);
            let is_failing = is_new || matches!(state, State::Failed(_));
            is_failing.then(|| State::Failed(reason.to_owned()))
        });
        is_new
    }

    /// The API of an optional kind is absent.
    pub fn mark_not_served(&self, kind: Kind) {
        self.change(kind, |_| Some(State::NotServed));
    }

    /// The API of an optional kind is there.
    pub fn mark_served(&self, kind: Kind) {
        self.change(kind, |state| {
            (*state == State::NotServed).then_some(State::Appeared)
        });
    }

    /// Why objects of a kind cannot be written; none if they can.
    pub fn unavailable(&self, kind: Kind) -> Option<Unavailable> {
        if kind.definition().api == Availability::Required {
            return None;
        }
        match self.0.borrow().get(&kind) {
            Some(State::Appeared | State::Synced) => None,
            Some(State::Failed(reason)) => Some(Unavailable::Failed(reason.clone())),
            // Nothing is reconciled while a watch is pending.
            Some(State::NotServed | State::Pending) | None => Some(Unavailable::NotServed),
        }
    }

    /// The kinds of which the operator sees no change, because it may not list them, with the words of the API server. It
    /// reads their objects by name.
    pub fn unseen(&self) -> Vec<(Kind, String)> {
        let states = self.0.borrow();
        let unseen = states.iter().filter_map(|(kind, state)| match state {
            State::Failed(reason) if kind.definition().api == Availability::Required => {
                Some((*kind, reason.clone()))
            }
            _ => None,
        });
        unseen.collect()
    }

    /// The kinds whose watches are not synced yet.
    pub fn pending(&self) -> Vec<Kind> {
        let states = self.0.borrow();
        let pending = states.iter().filter(|(_, state)| **state == State::Pending);
        pending.map(|(kind, _)| *kind).collect()
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

    fn change(&self, kind: Kind, next: impl FnOnce(&State) -> Option<State>) {
        self.0.send_if_modified(|states| {
            let state = states.entry(kind).or_insert(State::Pending);
            let next = next(state).filter(|next| next != state);
            let is_changed = next.is_some();
            if let Some(next) = next {
                *state = next;
            }
            is_changed
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::fixtures::OPTIONAL;

    use super::*;

    #[test]
    fn a_list_that_fails_holds_nothing_up_and_is_reported_until_it_succeeds() {
        let sync = WatchSync::new(&[OPTIONAL]);
        sync.mark_synced(Kind::CHATBOX);
        assert_eq!(sync.pending(), [OPTIONAL]);
        assert!(sync.mark_failed(OPTIONAL, "forbidden"));
        assert!(sync.pending().is_empty());
        assert!(!sync.mark_failed(OPTIONAL, "conversion failed"));
        let failed = Unavailable::Failed("conversion failed".to_owned());
        assert_eq!(sync.unavailable(OPTIONAL), Some(failed));
        assert!(sync.mark_synced(OPTIONAL));
        assert_eq!(sync.unavailable(OPTIONAL), None);
        assert!(!sync.mark_failed(OPTIONAL, "forbidden"), "it had synced");
        assert_eq!(sync.unavailable(OPTIONAL), None);
    }

    #[test]
    fn what_may_not_be_listed_holds_nothing_up_and_is_written_all_the_same() {
        let sync = WatchSync::new(&[Kind::POD]);
        sync.mark_synced(Kind::CHATBOX);
        assert!(sync.unseen().is_empty());
        assert!(sync.mark_failed(Kind::POD, "forbidden"));
        assert!(sync.pending().is_empty());
        assert_eq!(sync.unseen(), [(Kind::POD, "forbidden".to_owned())]);
        assert_eq!(sync.unavailable(Kind::POD), None);
        assert!(sync.mark_synced(Kind::POD));
        assert!(sync.unseen().is_empty());
    }

    #[test]
    fn an_api_that_appears_later_holds_nothing_up_and_its_list_may_fail() {
        let sync = WatchSync::new(&[OPTIONAL]);
        sync.mark_not_served(OPTIONAL);
        assert_eq!(sync.unavailable(OPTIONAL), Some(Unavailable::NotServed));
        sync.mark_served(OPTIONAL);
        assert_eq!(sync.unavailable(OPTIONAL), None);
        assert!(!sync.pending().contains(&OPTIONAL));
        assert!(sync.mark_failed(OPTIONAL, "forbidden"));
        sync.mark_served(OPTIONAL);
        let failed = Unavailable::Failed("forbidden".to_owned());
        assert_eq!(sync.unavailable(OPTIONAL), Some(failed));
    }

    #[test]
    fn kinds_of_one_name_in_two_groups_have_two_states() {
        let sync = WatchSync::new(&[Kind::SERVICE, OPTIONAL]);
        assert_eq!(Kind::SERVICE.name(), OPTIONAL.name());
        sync.mark_synced(Kind::SERVICE);
        assert!(sync.pending().contains(&OPTIONAL));
    }
}
