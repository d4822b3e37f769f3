//! What every reconcile shares: the client, what the watches know, and the few things that must be remembered.

use std::sync::{Mutex, MutexGuard};

use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::events::{Recorder, Reporter};

use crate::backoff::Backoff;
use crate::children::Children;
use crate::kind::Kind;
use crate::lock::lock;
use crate::metrics::Metrics;
use crate::references::References;
use crate::report::published::Published;
use crate::watches::Watches;

/// What every reconcile shares.
pub struct Context {
    pub client: Client,
    /// Image of the chat server that belongs to this release of the operator.
    pub release_image: String,
    pub watches: Watches,
    pub metrics: Metrics,
    pub recorder: Recorder,
    pub backoff: Backoff,
    children: Mutex<Children>,
    references: Mutex<References>,
    published: Mutex<Published>,
}

impl Context {
    pub fn new(client: Client, release_image: String, metrics: Metrics) -> Self {
        let reporter = Reporter::from(crds::runtime::FIELD_MANAGER);
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            release_image,
            watches: Watches::default(),
            metrics,
            backoff: Backoff::default(),
            children: Mutex::default(),
            references: Mutex::default(),
            published: Mutex::default(),
        }
    }

    /// The objects of all Chatboxes. Never held across an await.
    pub fn children(&self) -> MutexGuard<'_, Children> {
        lock(&self.children)
    }

    pub fn api(&self, namespace: Option<&str>, kind: Kind) -> Api<DynamicObject> {
        let namespace = namespace.unwrap_or_default();
        Api::namespaced_with(self.client.clone(), namespace, &kind.resource())
    }

    /// Which Chatbox names which Secret. Never held across an await.
    pub fn references(&self) -> MutexGuard<'_, References> {
        lock(&self.references)
    }

    /// What was written last. Never held across an await.
    pub fn published(&self) -> MutexGuard<'_, Published> {
        lock(&self.published)
    }
}
