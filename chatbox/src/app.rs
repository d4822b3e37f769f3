//! The whole program in one place: document → adapters → state → routes → run.

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crds::{Config, runtime};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::auth::Keys;
use crate::bus::{Bus, LocalBus};
use crate::chat::DigestKey;
use crate::clock;
use crate::http::{self, serve::serve};
use crate::lifecycle::Lifecycle;
use crate::limits::Limits;
use crate::llm::Models;
use crate::metrics::Metrics;
use crate::old_clients::OldClients;
use crate::state::{AppState, Parts};
use crate::store::Store;
use crate::store::cipher::Encrypted;
use crate::store::cipher::keyring::Keyring;
use crate::store::mongodb::MongoDb;
use crate::store::sqlite::Sqlite;
use crate::supervisor::Supervisor;
use crate::turn::Turns;

/// Connections beside the sockets: for pages, history and those that have not said who they are.
const SPARE_CONNECTIONS: usize = 1000;
/// Connections of probes and scrapers.
const PROBE_CONNECTIONS: usize = 100;
/// Files beside connections: the database, listeners, connections to providers.
const SPARE_FILES: usize = 200;

/// Where a server finds what it needs.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Root of [`crds::SecretRef::path`].
    pub secrets: PathBuf,
    pub data: PathBuf,
}

/// What a server stands on.
pub struct Adapters {
    pub store: Arc<dyn Store>,
    /// The cipher of the store, which has work of its own.
    pub cipher: Encrypted,
    pub bus: Arc<dyn Bus>,
    pub models: Models,
}

/// A server that is ready to run.
pub struct App {
    state: AppState,
    cipher: Encrypted,
    public: TcpListener,
    internal: TcpListener,
}

impl Adapters {
    /// Those that a document names.
    pub async fn open(config: &Config, paths: &Paths) -> anyhow::Result<Self> {
        let models = Models::new(&config.models, &paths.secrets)?;
        let keyring = Keyring::load(config.encryption.as_ref(), &paths.secrets)?;
        let store = open_store(config, paths).await?;
        let cipher = Encrypted::open(store, keyring, clock::now()).await?;
        Ok(Self {
            store: Arc::new(cipher.clone()),
            cipher,
            bus: Arc::new(LocalBus::default()),
            models,
        })
    }
}

impl App {
    /// Reads the keys and goes on with what an earlier process left. The document was checked.
    pub async fn start(
        config: Config,
        paths: &Paths,
        adapters: Adapters,
        public: TcpListener,
        internal: TcpListener,
    ) -> anyhow::Result<Self> {
        let keys = Keys::load(&config.auth, &paths.secrets)?;
        let Adapters {
            store,
            cipher,
            bus,
            models,
        } = adapters;
        let (lifecycle, metrics) = (Lifecycle::default(), Metrics::new()?);
        metrics.add(cipher.collectors())?;
        let limits = Limits::new(&config.limits);
        let digest_key = store
            .digest_key(DigestKey::random())
            .await
            .context("cannot read the key of the store's digests")?;
        let turns = Turns::new(crate::turn::Deps {
            store: Arc::clone(&store),
            bus: Arc::clone(&bus),
            models: models.clone(),
            lifecycle: lifecycle.clone(),
            limits: limits.clone(),
            metrics: metrics.clone(),
            pending_max: usize::try_from(config.limits.pending_questions)?,
            digest_key,
            away: Duration::from_secs(config.takeover.away_seconds.unsigned_abs().into()),
        });
        turns
            .recover()
            .await
            .context("cannot take up what an earlier process left")?;
        let state = AppState::new(Parts {
            proxies: config.server.proxies(),
            limits,
            old_clients: OldClients::default(),
            config,
            keys,
            models,
            store,
            bus,
            turns,
            lifecycle,
            metrics,
        });
        Ok(Self {
            state,
            cipher,
            public,
            internal,
        })
    }

    /// Serves until `stop` resolves, then ends in order.
    ///
    /// # Errors
    /// When something that must run as long as the process has ended before.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            state,
            cipher,
            public,
            internal,
        } = self;
        tracing::info!(
            public = %public.local_addr()?,
            internal = %internal.local_addr()?,
            path = state.config.server.path_prefix,
            "serving"
        );
        let mut supervisor = supervise(&state, public, internal)?;
        supervisor.spawn("the encryption", async move { cipher.maintain().await });
        let mut failure = tokio::select! {
            () = stop => None,
            failure = supervisor.failed() => Some(failure),
        };
        report(&state, failure.as_ref());
        let drain = Duration::from_secs(state.config.server.drain_seconds.unsigned_abs().into());
        let flush = Duration::from_secs(runtime::FLUSH_SECONDS.unsigned_abs());
        let shutdown = state.lifecycle.shut_down(drain, flush);
        tokio::pin!(shutdown);
        tokio::select! {
            () = &mut shutdown => {}
            while_stopping = supervisor.failed(), if failure.is_none() => {
                report(&state, Some(&while_stopping));
                failure = Some(while_stopping);
                shutdown.await;
            }
        }
        tracing::info!("stopped");
        failure.map_or(Ok(()), Err)
    }
}

/// Files that a server of this document may have open at the same time.
pub fn open_files(config: &Config) -> u64 {
    let files = SPARE_CONNECTIONS + PROBE_CONNECTIONS + SPARE_FILES;
    u64::from(config.limits.connections.unsigned_abs()) + files as u64
}

/// The store that a document names, without its cipher.
pub async fn open_store(config: &Config, paths: &Paths) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(mongodb) = &config.storage.mongodb {
        return Ok(Arc::new(MongoDb::open(mongodb, &paths.secrets).await?));
    }
    let data = paths.data.clone();
    let sqlite = spawn_blocking(move || Sqlite::open(&data)).await??;
    Ok(Arc::new(sqlite))
}

/// Says why the server ends, if not because it was asked to.
fn report(state: &AppState, failure: Option<&anyhow::Error>) {
    if let Some(failure) = failure {
        tracing::error!(cause = format!("{failure:#}"), "the server cannot go on");
        state.lifecycle.set_broken();
    }
}

fn supervise(
    state: &AppState,
    public: TcpListener,
    internal: TcpListener,
) -> anyhow::Result<Supervisor> {
    let connections = usize::try_from(state.config.limits.connections)? + SPARE_CONNECTIONS;
    let mut supervisor = Supervisor::default();
    let routes = http::public(state.clone());
    let (limits, proxies) = (state.limits.clone(), state.proxies.clone());
    supervisor.spawn(
        "the public server",
        serve(public, routes, limits, proxies, connections),
    );
    let routes = http::internal(state.clone());
    let limits = state.limits.clone();
    supervisor.spawn(
        "the probe server",
        serve(internal, routes, limits, Vec::new(), PROBE_CONNECTIONS),
    );
    let store = Arc::clone(&state.store);
    supervisor.spawn("the store", async move { store.lost().await.into() });
    let models = state.models.clone();
    supervisor.spawn("the client of the models", async move {
        match models.prepare().await {
            Ok(()) => pending().await,
            Err(cause) => cause,
        }
    });
    let (turns, limits) = (state.turns.clone(), state.limits.clone());
    supervisor.spawn("the sweeper of runs", async move { turns.sweep().await });
    supervisor.spawn("the sweeper of limits", async move { limits.sweep().await });
    Ok(supervisor)
}
