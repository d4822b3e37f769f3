//! What a handler may ask for.

use std::ops::Deref;
use std::sync::Arc;

use crds::Config;
use ipnet::IpNet;

use crate::auth::Keys;
use crate::bus::Bus;
use crate::lifecycle::Lifecycle;
use crate::limits::Limits;
use crate::llm::Models;
use crate::metrics::Metrics;
use crate::old_clients::OldClients;
use crate::store::Store;
use crate::turn::Turns;
use crate::wire::outbound::ModelName;

/// The parts of a server, shared. Cheap to clone: each of many thousand connections holds one.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

pub struct Parts {
    pub config: Config,
    /// Networks of `server.trustedProxies`.
    pub proxies: Vec<IpNet>,
    pub keys: Keys,
    pub models: Models,
    pub store: Arc<dyn Store>,
    pub bus: Arc<dyn Bus>,
    pub turns: Turns,
    pub limits: Limits,
    pub old_clients: OldClients,
    pub lifecycle: Lifecycle,
    pub metrics: Metrics,
}

impl AppState {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Parts {
    /// The models as clients see them, in the order of the document.
    pub fn model_names(&self) -> Vec<ModelName> {
        let name = |model: &crate::llm::Model| ModelName {
            id: model.id.clone(),
            name: model.name.clone(),
        };
        self.models.iter().map(name).collect()
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
