//! The statuses that were written last. Pure.
//!
//! Rule: a status is kept from our write until the watch has reported that version or a later one, because the watch
//! may be slower than the next reconcile.

use std::collections::{HashMap, HashSet};

use crds::ChatboxStatus;

use crate::stored::Stored;

/// The statuses that were written last, by uid, with their resource versions.
#[derive(Debug, Default)]
pub struct Statuses(HashMap<String, (u64, ChatboxStatus)>);

impl Statuses {
    /// The status that was written last, if it is newer than `chatbox`.
    pub fn newer_than(&self, chatbox: &Stored) -> Option<&ChatboxStatus> {
        let (version, status) = self.0.get(&chatbox.uid)?;
        (*version > chatbox.version).then_some(status)
    }

    /// Takes in the answer to a write of `status`.
    pub fn remember(&mut self, written: &Stored, status: ChatboxStatus) {
        self.0
            .insert(written.uid.clone(), (written.version, status));
    }

    /// Drops what the watch has reported.
    pub fn observe(&mut self, chatbox: &Stored) {
        if self.newer_than(chatbox).is_none() {
            self.0.remove(&chatbox.uid);
        }
    }

    /// Drops the status of every other Chatbox than those with these uids.
    pub fn retain(&mut self, uids: &HashSet<String>) {
        self.0.retain(|uid, _| uids.contains(uid));
    }

    /// Drops the status of a Chatbox that is deleted.
    pub fn forget(&mut self, chatbox: &Stored) {
        self.0.remove(&chatbox.uid);
    }
}

#[cfg(test)]
mod tests {
    use crate::namespaced_name::NamespacedName;

    use super::*;

    fn status(replicas: i32) -> ChatboxStatus {
        ChatboxStatus {
            replicas: Some(replicas),
            ..ChatboxStatus::default()
        }
    }

    fn at(uid: &str, version: u64) -> Stored {
        Stored {
            namespaced_name: NamespacedName {
                namespace: "n".to_owned(),
                name: "x".to_owned(),
            },
            uid: uid.to_owned(),
            version,
        }
    }

    #[test]
    fn the_newer_status_is_used() {
        let mut statuses = Statuses::default();
        statuses.remember(&at("u", 10), status(2));
        let rows = [
            ("the watch is behind", at("u", 9), Some(status(2))),
            ("the watch has reported it", at("u", 10), None),
            ("the watch is ahead", at("u", 11), None),
            ("another Chatbox of the same name", at("v", 9), None),
        ];
        for (what, chatbox, expected) in rows {
            assert_eq!(statuses.newer_than(&chatbox), expected.as_ref(), "{what}");
        }
    }

    #[test]
    fn a_status_is_dropped_when_it_is_reported_or_its_chatbox_deleted() {
        let mut statuses = Statuses::default();
        statuses.remember(&at("u", 10), status(2));
        statuses.observe(&at("u", 9));
        assert_eq!(statuses.0.len(), 1);
        statuses.observe(&at("u", 10));
        assert_eq!(statuses.0.len(), 0);
        statuses.remember(&at("u", 12), status(2));
        statuses.forget(&at("u", 12));
        assert_eq!(statuses.0.len(), 0);
    }
}
