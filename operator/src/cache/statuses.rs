//! What we wrote last: the watch is slower than our own next look. Pure.

use std::collections::HashMap;

use crds::ChatboxStatus;
use kube::ResourceExt;

use crate::guarded::GuardedChatbox;

/// The status that we wrote last, by uid, with its resource version, until the watch has told it back to us.
#[derive(Debug, Default)]
pub struct Statuses(HashMap<String, (u64, ChatboxStatus)>);

impl Statuses {
    /// The status as we last wrote it, or as the watch told it, whichever is later.
    pub fn latest(&mut self, watched: &GuardedChatbox) -> ChatboxStatus {
        self.settle(watched);
        let ours = self.0.get(watched.uid());
        ours.map_or_else(|| watched.status.clone(), |(_, status)| status.clone())
    }

    /// Takes in the answer to a write of `status`.
    pub fn remember(&mut self, written: &GuardedChatbox, status: &ChatboxStatus) {
        let entry = (version(written), status.clone());
        self.0.insert(written.uid().to_owned(), entry);
    }

    /// Drops what the watch has told back.
    pub fn settle(&mut self, told: &GuardedChatbox) {
        let entry = self.0.get(told.uid());
        if entry.is_some_and(|(written, _)| version(told) >= *written) {
            self.0.remove(told.uid());
        }
    }

    /// Drops what is of no use once the Chatbox is gone.
    pub fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }
}

fn version(watched: &GuardedChatbox) -> u64 {
    let version = watched.resource_version();
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{QUICKSTART, watched};

    use super::*;

    fn status(replicas: i32) -> ChatboxStatus {
        ChatboxStatus {
            replicas: Some(replicas),
            ..ChatboxStatus::default()
        }
    }

    fn at(uid: &str, version: u32, replicas: i32) -> GuardedChatbox {
        let mut watched = watched(QUICKSTART);
        watched.metadata.uid = Some(uid.to_owned());
        watched.metadata.resource_version = Some(version.to_string());
        watched.status = status(replicas);
        watched
    }

    #[test]
    fn the_later_word_holds() {
        let rows = [
            ("the watch is behind", at("u", 9, 1), 2),
            ("the watch tells it back", at("u", 10, 3), 3),
            ("the watch is ahead", at("u", 11, 4), 4),
            ("another of the same name", at("v", 9, 5), 5),
        ];
        for (what, told, expected) in rows {
            let mut published = Statuses::default();
            published.remember(&at("u", 10, 2), &status(2));
            assert_eq!(published.latest(&told), status(expected), "{what}");
        }
    }

    #[test]
    fn what_was_told_back_or_is_gone_is_not_kept() {
        let mut published = Statuses::default();
        published.remember(&at("u", 10, 2), &status(2));
        published.settle(&at("u", 9, 1));
        assert_eq!(published.0.len(), 1);
        published.settle(&at("u", 10, 2));
        assert_eq!(published.0.len(), 0);
        published.remember(&at("u", 12, 2), &status(2));
        published.forget("u");
        assert_eq!(published.0.len(), 0);
    }
}
