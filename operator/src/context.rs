//! What every reconcile shares.

use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::runtime::events::{Recorder, Reporter};

use crate::backoff::Backoff;
use crate::cache::Cache;
use crate::contest::Contests;
use crate::kind::Kind;
use crate::metrics::Metrics;
use crate::restrictions::Restrictions;

/// What every reconcile shares.
pub struct Context {
    pub client: Client,
    /// Image of the chat server that belongs to this release of the operator.
    pub release_image: String,
    pub cache: Cache,
    pub metrics: Metrics,
    pub recorder: Recorder,
    pub backoff: Backoff,
    pub contests: Contests,
    /// What a Chatbox may name.
    pub restrictions: Restrictions,
}

impl Context {
    pub fn new(client: Client, release_image: String, kinds: &[Kind], metrics: Metrics) -> Self {
        let reporter = Reporter::from(crds::runtime::FIELD_MANAGER);
        Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            release_image,
            cache: Cache::new(kinds),
            metrics,
            backoff: Backoff::default(),
            contests: Contests::default(),
            restrictions: Restrictions::default(),
        }
    }

    /// The same with limits on what a Chatbox may name.
    #[must_use]
    pub fn with_restrictions(self, restrictions: Restrictions) -> Self {
        Self {
            restrictions,
            ..self
        }
    }

    pub fn api(&self, namespace: &str, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind.resource())
    }
}
