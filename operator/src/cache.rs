//! What the operator remembers between reconciles. The cluster is the truth: a restart begins with empty caches, and each
//! cache has one rule that says when its entries no longer hold.

pub mod answers;
pub mod cached_object;
pub mod managed_fields;
pub mod namespaces;
pub mod owned_objects;
pub mod pod_failure;
pub mod references;
pub mod statuses;
pub mod sync;

use std::sync::{Mutex, MutexGuard};

use crate::kind::Kind;
use crate::lock::lock;

pub use answers::Answers;
pub use cached_object::{CachedObject, Detail, Pod, Rollout};
pub use namespaces::TerminatingNamespaces;
pub use owned_objects::{OwnedObjects, OwnedObjectsCache};
pub use references::References;
pub use statuses::Statuses;
pub use sync::WatchSync;

/// What the operator remembers. No lock is held across an await.
#[derive(Debug)]
pub struct Cache {
    pub sync: WatchSync,
    answers: Mutex<Answers>,
    namespaces: Mutex<TerminatingNamespaces>,
    owned_objects: Mutex<OwnedObjectsCache>,
    references: Mutex<References>,
    statuses: Mutex<Statuses>,
}

impl Cache {
    /// Of the watches of these kinds.
    pub fn new(kinds: &[Kind]) -> Self {
        Self {
            sync: WatchSync::new(kinds),
            answers: Mutex::default(),
            namespaces: Mutex::default(),
            owned_objects: Mutex::default(),
            references: Mutex::default(),
            statuses: Mutex::default(),
        }
    }

    /// What the API server made of what was applied.
    pub fn answers(&self) -> MutexGuard<'_, Answers> {
        lock(&self.answers)
    }

    /// The namespaces that are being deleted.
    pub fn namespaces(&self) -> MutexGuard<'_, TerminatingNamespaces> {
        lock(&self.namespaces)
    }

    /// Takes in that a namespace is being deleted.
    pub fn mark_namespace_terminating(&self, namespace: &str) {
        let chatboxes = self.references().uids_in(namespace);
        self.namespaces().insert(namespace, chatboxes);
    }

    /// The objects of all Chatboxes.
    pub fn owned_objects(&self) -> MutexGuard<'_, OwnedObjectsCache> {
        lock(&self.owned_objects)
    }

    /// The Secrets that each Chatbox references.
    pub fn references(&self) -> MutexGuard<'_, References> {
        lock(&self.references)
    }

    /// The statuses that were written last.
    pub fn statuses(&self) -> MutexGuard<'_, Statuses> {
        lock(&self.statuses)
    }
}
