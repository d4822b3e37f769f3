//! The whole program in one place: document → adapters → state → routes → run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crds::{Config, runtime};
use tokio::net::TcpListener;

use crate::auth::Keys;
use crate::bus::Bus;
use crate::http::{self, serve::serve};
use crate::lifecycle::Lifecycle;
use crate::limits::Limits;
use crate::llm::Models;
use crate::metrics::Metrics;
use crate::state::AppState;
use crate::store::Store;
use crate::store::sqlite::Sqlite;
use crate::turn::Turns;

/// Connections beside the sockets: for pages, history and those that have not said who they are.
const SPARE_CONNECTIONS: usize = 1000;
/// Connections of probes and scrapers.
const PROBE_CONNECTIONS: usize = 100;

/// Where a server finds what it needs.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Root of [`crds::SecretRef::path`].
    pub secrets: PathBuf,
    pub data: PathBuf,
}

/// A server that is ready to run.
pub struct App {
    state: AppState,
    public: TcpListener,
    internal: TcpListener,
}

impl App {
    /// Opens the store, reads the keys and goes on with what an earlier process left. The document was checked.
    pub async fn start(
        config: Config,
        paths: &Paths,
        public: TcpListener,
        internal: TcpListener,
    ) -> anyhow::Result<Self> {
        let keys = Keys::load(&config.auth, &paths.secrets)?;
        let models = Models::new(&config.models, &paths.secrets)?;
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&paths.data)?);
        let (bus, lifecycle, metrics) = (Bus::default(), Lifecycle::default(), Metrics::new()?);
        let turns = Turns::new(
            Arc::clone(&store),
            bus.clone(),
            models.clone(),
            lifecycle.clone(),
            metrics.clone(),
        );
        turns
            .recover()
            .await
            .context("cannot take up what an earlier process left")?;
        let state = AppState {
            proxies: config.server.proxies().into(),
            limits: Limits::new(&config.limits),
            config: Arc::new(config),
            keys,
            models,
            store,
            bus,
            turns,
            lifecycle,
            metrics,
        };
        Ok(Self {
            state,
            public,
            internal,
        })
    }

    /// Serves until `stop` resolves, then ends in order.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            state,
            public,
            internal,
        } = self;
        tracing::info!(
            public = %public.local_addr()?,
            internal = %internal.local_addr()?,
            path = state.config.server.path_prefix,
            "serving"
        );
        let seats = usize::try_from(state.config.limits.connections)? + SPARE_CONNECTIONS;
        let serving = tokio::spawn(serve(public, http::public(state.clone()), seats));
        let probes = tokio::spawn(serve(
            internal,
            http::internal(state.clone()),
            PROBE_CONNECTIONS,
        ));
        let limits = state.limits.clone();
        let janitor = tokio::spawn(async move { limits.forget_quiet().await });
        stop.await;
        let drain = Duration::from_secs(state.config.server.drain_seconds.unsigned_abs().into());
        let flush = Duration::from_secs(runtime::FLUSH_SECONDS.unsigned_abs());
        state.lifecycle.stop(drain, flush).await;
        for task in [&serving, &probes] {
            task.abort();
        }
        janitor.abort();
        tracing::info!("stopped");
        Ok(())
    }
}
