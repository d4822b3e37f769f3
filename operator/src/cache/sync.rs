//! Which watches have delivered their first list. Before all have, nothing may be decided, and the operator is not
//! ready.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::kind::Kind;

/// Name of the watch on the Chatboxes themselves.
pub const CHATBOXES: &str = "Chatbox";

/// Which watches are still missing.
#[derive(Debug)]
pub struct WatchSync(watch::Sender<BTreeSet<&'static str>>);

impl Default for WatchSync {
    fn default() -> Self {
        let kinds = Kind::WATCHED.map(Kind::name).into_iter();
        let all = kinds.chain([CHATBOXES, Kind::Secret.name()]).collect();
        Self(watch::Sender::new(all))
    }
}

impl WatchSync {
    pub fn mark_synced(&self, name: &'static str) {
        self.0.send_if_modified(|missing| missing.remove(name));
    }

    pub fn pending(&self) -> BTreeSet<&'static str> {
        self.0.borrow().clone()
    }

    /// Returns once every watch has delivered its first list.
    pub async fn wait(&self) {
        // It ends only with the sender, which is ours.
        let _ = self.0.subscribe().wait_for(BTreeSet::is_empty).await;
    }
}
