//! What a handler may ask for. Each field is cheap to clone.

use std::sync::Arc;

use crds::Config;
use ipnet::IpNet;

use crate::auth::Keys;
use crate::bus::Bus;
use crate::lifecycle::Lifecycle;
use crate::limits::Limits;
use crate::llm::Models;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::turn::Turns;
use crate::wire::outbound::ModelName;

#[derive(Clone)]
pub struct AppState {
    pub config: Arc<Config>,
    /// Networks of `server.trustedProxies`.
    pub proxies: Arc<[IpNet]>,
    pub keys: Keys,
    pub models: Models,
    pub store: Arc<dyn Store>,
    pub bus: Bus,
    pub turns: Turns,
    pub limits: Limits,
    pub lifecycle: Lifecycle,
    pub metrics: Metrics,
}

impl AppState {
    /// The models as clients see them, in the order of the document.
    pub fn model_names(&self) -> Vec<ModelName> {
        let name = |model: &crate::llm::Model| ModelName {
            id: model.id.clone(),
            name: model.name.clone(),
        };
        self.models.iter().map(name).collect()
    }
}
