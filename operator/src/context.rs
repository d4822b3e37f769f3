//! What every reconcile shares.

use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::events::{Recorder, Reporter};

use crate::backoff::Backoff;
use crate::cache::Cache;
use crate::kind::Kind;
use crate::metrics::Metrics;

/// What every reconcile shares.
pub struct Context {
    pub client: Client,
    /// Image of the chat server that belongs to this release of the operator.
    pub release_image: String,
    pub cache: Cache,
    pub metrics: Metrics,
    pub recorder: Recorder,
    pub backoff: Backoff,
}

impl Context {
    pub fn new(client: Client, release_image: String, metrics: Metrics) -> Self {
        let reporter = Reporter::from(crds::runtime::FIELD_MANAGER);
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            release_image,
            cache: Cache::default(),
            metrics,
            backoff: Backoff::default(),
        }
    }

    pub fn api(&self, namespace: Option<&str>, kind: Kind) -> Api<DynamicObject> {
        let namespace = namespace.unwrap_or_default();
        Api::namespaced_with(self.client.clone(), namespace, &kind.resource())
    }
}
