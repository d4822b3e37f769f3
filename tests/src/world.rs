//! A server of its own for each test.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chatbox::app::{Adapters, App, Paths};
use chatbox::auth::Keys;
use chatbox::auth::keys::Claims;
use chatbox::bus::Bus;
use chatbox::store::Store;
use crds::Config;
use crds::config::{Guests, Storage};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::mongodb::Database;
use crate::{Client, Provider, TIMEOUT};

const KEY: &str = "7d1f0c5a9be24c3f8a6e1b0d4c7f2e93";

/// A server with its database, in this process.
pub struct World {
    pub public: SocketAddr,
    pub internal: SocketAddr,
    pub config: Config,
    home: TempDir,
    /// The listening sockets once more, to break them.
    listeners: [std::net::TcpListener; 2],
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

/// A document with one demo model that answers at once, and guests.
pub fn demo() -> Config {
    let document = json!({
        "auth": {"hs256": {"keys": [{"name": "jwt", "key": "current"}]}, "guests": {}},
        "models": [{"id": "demo", "name": "Demo", "demo": {"wordsPerSecond": 10000}}],
        "storage": {"sqlite": {"volume": {"emptyDir": {}}}},
    });
    Config::parse(&document.to_string()).unwrap().config
}

/// The same with a model behind `provider`.
pub fn openai(provider: &Provider) -> Config {
    let model = json!([{
        "id": "fast", "name": "Fast", "systemPrompt": "Be brief.", "idleSeconds": 10,
        "openai": {"baseUrl": provider.url(), "model": "small", "apiKey": {"name": "llm", "key": "key"}},
    }]);
    Config {
        models: serde_json::from_value(model).unwrap(),
        ..demo()
    }
}

/// Writes the document and the secrets that it names below `home`.
pub fn documents(home: &Path, config: &Config) {
    for (secret, key, value) in [("jwt", "current", KEY), ("llm", "key", "sk-test-key\n")] {
        std::fs::create_dir_all(home.join("secrets").join(secret)).unwrap();
        std::fs::write(home.join("secrets").join(secret).join(key), value).unwrap();
    }
    std::fs::write(home.join("config.json"), config.render()).unwrap();
}

/// Guests as a document says it when it says nothing more.
pub fn guests() -> Guests {
    Guests::default()
}

impl World {
    pub async fn start(config: Config) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), config).await
    }

    /// The same on this bus.
    pub async fn start_on(bus: Arc<dyn Bus>, config: Config) -> Self {
        let home = tempfile::tempdir().unwrap();
        let adapters = async |config: &Config, paths: &Paths| Adapters {
            bus,
            ..Adapters::open(config, paths).await.unwrap()
        };
        Self::start_with(home, config, adapters).await
    }

    /// The same on a MongoDB.
    pub async fn start_on_mongodb(database: &Database, config: Config) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mongodb = database.config(&home.path().join("secrets"));
        let storage = Storage {
            sqlite: None,
            mongodb: Some(mongodb),
        };
        Self::start_in(home, Config { storage, ..config }).await
    }

    /// The same with a store made of the one that the document names.
    pub async fn start_on_store(
        config: Config,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let adapters = async |config: &Config, paths: &Paths| {
            let adapters = Adapters::open(config, paths).await.unwrap();
            Adapters {
                store: wrap(adapters.store),
                ..adapters
            }
        };
        Self::start_with(tempfile::tempdir().unwrap(), config, adapters).await
    }

    async fn start_in(home: TempDir, config: Config) -> Self {
        let adapters =
            async |config: &Config, paths: &Paths| Adapters::open(config, paths).await.unwrap();
        Self::start_with(home, config, adapters).await
    }

    async fn start_with(
        home: TempDir,
        config: Config,
        adapters: impl AsyncFnOnce(&Config, &Paths) -> Adapters,
    ) -> Self {
        assert_eq!(config.check(), []);
        documents(home.path(), &config);
        let paths = Paths {
            secrets: home.path().join("secrets"),
            data: home.path().join("data"),
        };
        let listeners = [listen(), listen()];
        let [public, internal] = listeners
            .each_ref()
            .map(|listener| TcpListener::from_std(listener.try_clone().unwrap()).unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let addresses = (public.local_addr().unwrap(), internal.local_addr().unwrap());
        let adapters = adapters(&config, &paths).await;
        let app = App::start(config.clone(), &paths, adapters, public, internal)
            .await
            .unwrap();
        let running = tokio::spawn(app.run(async move {
            let _ = stopped.await;
        }));
        Self {
            public: addresses.0,
            internal: addresses.1,
            config,
            home,
            listeners,
            stop,
            running,
        }
    }

    /// Makes the socket that listens on `address` useless, as no program but this one could.
    pub fn break_listener(&self, address: SocketAddr) {
        for listener in &self.listeners {
            if listener.local_addr().unwrap() == address {
                let socket = socket2::SockRef::from(listener);
                socket.shutdown(std::net::Shutdown::Both).unwrap();
            }
        }
    }

    /// Waits until the server ends by itself.
    ///
    /// # Errors
    /// Why it did.
    pub async fn ended(self) -> anyhow::Result<()> {
        timeout(TIMEOUT, self.running).await.unwrap().unwrap()
    }

    /// Begins to stop the server; [`Self::stopped`] waits for its end.
    pub fn stop(self) -> Stopping {
        let _ = self.stop.send(());
        Stopping {
            home: self.home,
            config: self.config,
            running: self.running,
        }
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.home.path().join("data")
    }

    pub fn url(&self, path: &str) -> String {
        format!(
            "http://{}{}{path}",
            self.public, self.config.server.path_prefix
        )
    }

    /// A token of a user who is no guest.
    pub fn token(&self, user: &str) -> String {
        self.token_until(user, Timestamp::now().as_second() + 3600)
    }

    /// The same with an end in seconds since 1970. Users whose names begin with `admin` are members of staff.
    pub fn token_until(&self, user: &str, exp: i64) -> String {
        let keys = Keys::load(&self.config.auth, &self.home.path().join("secrets")).unwrap();
        let claims = Claims {
            user_id: user.to_owned(),
            roles: user
                .starts_with("admin")
                .then(|| "admin".to_owned())
                .into_iter()
                .collect(),
            exp,
            guest: false,
        };
        keys.sign(&claims).unwrap()
    }

    /// A socket of this user; `query` goes behind the `?`.
    pub async fn connect(&self, user: &str, query: &str) -> Client {
        Client::connect(&self.ws(query), &self.token(user))
            .await
            .unwrap()
    }

    pub fn ws(&self, query: &str) -> String {
        format!(
            "ws://{}{}/ws?{query}",
            self.public, self.config.server.path_prefix
        )
    }

    /// `GET` as this user: status and JSON.
    pub async fn get(&self, user: &str, path: &str) -> (u16, Value) {
        let response = reqwest::Client::new()
            .get(self.url(path))
            .bearer_auth(self.token(user))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// `POST` as this user: status and JSON.
    pub async fn post(&self, user: &str, path: &str) -> (u16, Value) {
        let response = reqwest::Client::new()
            .post(self.url(path))
            .bearer_auth(self.token(user))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// What a session holds: sender, content, status.
    pub async fn history(
        &self,
        user: &str,
        session: &str,
    ) -> Vec<(String, String, Option<String>)> {
        let (status, body) = self.get(user, &format!("/sessions/{session}")).await;
        assert_eq!(status, 200, "{body}");
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let line = |message: &Value| {
            let say = |key: &str| text(&message[key]).unwrap_or_default();
            (say("sender"), say("content"), text(&message["status"]))
        };
        body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect()
    }
}

/// A server that stops.
pub struct Stopping {
    home: TempDir,
    config: Config,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Stopping {
    /// Waits until it has.
    pub async fn stopped(&mut self) {
        timeout(TIMEOUT, &mut self.running)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    /// Starts another one on what it has stored.
    pub async fn start_again(self) -> World {
        World::start_in(self.home, self.config).await
    }
}

fn listen() -> std::net::TcpListener {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}
