//! What the operator remembers between reconciles. Nothing here is the truth: the cluster is, and a restart begins with
//! empty caches.

pub mod cached_object;
pub mod managed_fields;
pub mod owned_objects;
pub mod pod_failure;
pub mod references;
pub mod statuses;
pub mod sync;

use std::sync::{Mutex, MutexGuard};

use crate::lock::lock;

pub use cached_object::{CachedObject, Detail, Pod, Rollout};
pub use owned_objects::{OwnedObjects, OwnedObjectsCache};
pub use references::References;
pub use statuses::Statuses;
pub use sync::WatchSync;

/// What the operator remembers. No lock is held across an await.
#[derive(Debug, Default)]
pub struct Cache {
    pub sync: WatchSync,
    owned_objects: Mutex<OwnedObjectsCache>,
    references: Mutex<References>,
    statuses: Mutex<Statuses>,
}

impl Cache {
    /// The objects of all Chatboxes.
    pub fn owned_objects(&self) -> MutexGuard<'_, OwnedObjectsCache> {
        lock(&self.owned_objects)
    }

    /// Which Chatbox names which Secret.
    pub fn references(&self) -> MutexGuard<'_, References> {
        lock(&self.references)
    }

    /// The statuses that were written last.
    pub fn statuses(&self) -> MutexGuard<'_, Statuses> {
        lock(&self.statuses)
    }
}
