//! A MongoDB for tests: one server a process, one database a test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use builder::progress::Progress;
use builder::tools;
use chatbox::store::mongodb::MongoDb;
use crds::SecretRef;
use crds::config;

use crate::Proxy;

/// Runs the tests on a server of your own instead: its address. They make databases of their own on it.
const URI: &str = "CHATBOX_TEST_MONGODB_URI";
/// MongoDB ends the open transaction of a client that was killed after `transactionLifetimeLimitSeconds`, and so does this
/// server. It has no option for that; a test must not wait a minute.
const PROGRAM: &str = "
import sys
from secantus import cli, server
server.SecantusDBServer.__init__.__kwdefaults__['transaction_lifetime_seconds'] = 2.0
sys.exit(cli.main())
";
/// How the line ends in which the server tells its address.
const LISTENING: &str = "listening on ";

/// A database of its own.
pub struct Database {
    pub name: String,
    pub uri: String,
}

impl Database {
    /// A new one on the server of this process, which is started if it does not run.
    pub fn new() -> Self {
        let uri = std::env::var(URI).unwrap_or_else(|_| {
            static SERVER: OnceLock<Server> = OnceLock::new();
            SERVER.get_or_init(|| Server::start(&[])).uri()
        });
        Self::at(uri)
    }

    /// A new one at this address.
    pub fn at(uri: String) -> Self {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        Self { name, uri }
    }

    /// The same database behind a proxy.
    #[must_use]
    pub fn behind(&self, proxy: &Proxy) -> Self {
        Self {
            name: self.name.clone(),
            uri: format!("mongodb://{}/?directConnection=true", proxy.address()),
        }
    }

    /// Where its server listens, for a proxy.
    pub fn address(&self) -> SocketAddr {
        let host = self.uri.trim_start_matches("mongodb://");
        host.split(['/', '?']).next().unwrap().parse().unwrap()
    }

    /// What a document says to name it, and the secret beside it below `secrets`.
    pub fn config(&self, secrets: &Path) -> config::MongoDb {
        std::fs::create_dir_all(secrets.join("mongodb")).unwrap();
        std::fs::write(secrets.join("mongodb/uri"), &self.uri).unwrap();
        config::MongoDb {
            uri: SecretRef {
                name: "mongodb".to_owned(),
                key: "uri".to_owned(),
            },
            database: self.name.clone(),
            tls: None,
            pool_max: 20,
            operation_seconds: 5,
        }
    }

    /// Opens it as a server does.
    pub async fn open(&self) -> MongoDb {
        self.try_open().await.unwrap()
    }

    /// The same.
    ///
    /// # Errors
    /// Why a server does not start on it.
    pub async fn try_open(&self) -> anyhow::Result<MongoDb> {
        let secrets = tempfile::tempdir().unwrap();
        let config = config::MongoDb {
            // Many tests share one server.
            operation_seconds: 20,
            ..self.config(secrets.path())
        };
        MongoDb::open(&config, secrets.path()).await
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

/// A server process of its own, on a folder of its own.
pub struct Server {
    port: u16,
    /// The shell. It ends the server when its standard input is closed, however this process ends.
    child: Child,
}

impl Server {
    /// Starts one that makes each commit durable before it answers, with `more` on its command line.
    pub fn start(more: &[&str]) -> Self {
        // Removed by the shell below, which outlives this process.
        let home = tempfile::tempdir().unwrap().keep();
        let packages = tools::secantusdb(&Progress::begin()).unwrap();
        // A shell between them ends the server when its standard input is closed: also when this process is killed.
        let script = r#""$@" & server=$!; cat > /dev/null; kill -9 $server; rm -rf "$STORAGE""#;
        let mut child = Command::new("sh")
            .args(["-c", script, "sh", "python3", "-c"])
            .arg(PROGRAM)
            .args(["--port", "0", "--sync-on-commit", "--enable-test-commands"])
            .arg("--storage-path")
            .arg(&home)
            .args(more)
            .env("PYTHONPATH", packages)
            .env("STORAGE", &home)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once(LISTENING).map(|(_, at)| at.to_owned()))
            .expect("the server says where it listens");
        // Somebody must read what it goes on to write.
        std::thread::spawn(move || log.for_each(drop));
        let port = address.rsplit(':').next().unwrap().trim().parse().unwrap();
        Self { port, child }
    }

    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
