//! The server under test, and the address where a client finds it or a floor.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;

use crate::process::{Process, wait_for_line};

/// Signs the tokens of this measurement, and nothing else anywhere.
const KEY: &str = "5e0c9d41f7a84b6c93d2e8f0a1b7c6d5";
const TOKEN_SECONDS: i64 = 3600;
const PATH_PREFIX: &str = "/chatbox";

/// A running server with an empty database.
pub struct Server {
    pub process: Process,
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
    public: SocketAddr,
    _home: TempDir,
}

/// Where a client opens sockets.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    path: String,
    /// Set where the other side wants to know who comes.
    key: Option<Arc<EncodingKey>>,
}

impl Server {
    /// Starts `program` with its data below `scratch`, and waits until it is ready.
    pub async fn start(program: &Path, scratch: &Path, provider: SocketAddr) -> Result<Self> {
        let home = TempDir::with_prefix_in("bench-server-", scratch)?;
        let paths = [
            ("CHATBOX_CONFIG", home.path().join("config.json")),
            ("CHATBOX_SECRETS", home.path().join("secrets")),
            ("CHATBOX_DATA", home.path().join("data")),
        ];
        std::fs::create_dir_all(home.path().join("secrets/jwt"))?;
        std::fs::write(home.path().join("secrets/jwt/key"), KEY)?;
        std::fs::write(
            home.path().join("config.json"),
            document(provider).to_string(),
        )?;

        // Made before, because it reads the certificates of the machine.
        let http = reqwest::Client::new();
        let started = Instant::now();
        let args = [
            "serve",
            "--public",
            "127.0.0.1:0",
            "--internal",
            "127.0.0.1:0",
        ];
        let env = paths
            .each_ref()
            .map(|(name, path)| (*name, path.as_os_str()));
        let (process, log) = Process::start(program, &args, &env)?;
        let (public, internal) = wait_for_line(log, addresses).await?;
        wait_until_ready(&http, internal).await?;
        Ok(Self {
            process,
            ready_after: started.elapsed(),
            public,
            _home: home,
        })
    }

    pub fn target(&self) -> Target {
        Target {
            address: self.public,
            path: format!("{PATH_PREFIX}/ws"),
            key: Some(Arc::new(EncodingKey::from_secret(KEY.as_bytes()))),
        }
    }
}

impl Target {
    /// A floor's socket, which asks nobody who they are.
    pub fn open(address: SocketAddr) -> Self {
        Self {
            address,
            path: "/ws".to_owned(),
            key: None,
        }
    }

    /// The request that opens a socket as this user.
    pub fn request(&self, user: &str) -> Result<Request> {
        let url = format!("ws://{}{}", self.address, self.path);
        let mut request = url.into_client_request()?;
        if let Some(key) = &self.key {
            let exp = Timestamp::now().as_second() + TOKEN_SECONDS;
            let claims = json!({"user_id": user, "roles": [], "exp": exp});
            let token = encode(&Header::default(), &claims, key)?;
            let value = format!("Bearer {token}").parse()?;
            request.headers_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

/// Limits that no row reaches; everything else is what a document says that says nothing.
fn document(provider: SocketAddr) -> Value {
    json!({
        "auth": {"hs256": {"keys": [{"name": "jwt", "key": "key"}]}},
        "models": [{
            "id": "bench", "name": "Bench", "totalSeconds": 600,
            "openai": {"baseUrl": format!("http://{provider}/v1"), "model": "bench"},
        }],
        "storage": {"sqlite": {"volume": {"emptyDir": {}}}},
        "limits": {"connections": 100_000, "messagesPerMinute": 10_000, "pendingQuestions": 100},
    })
}

/// Where it listens, from the line that says so: the public address and the internal one.
fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |name: &str| line[name].as_str()?.parse().ok();
    Some((address("public")?, address("internal")?))
}

async fn wait_until_ready(http: &reqwest::Client, internal: SocketAddr) -> Result<()> {
    let response = http.get(format!("http://{internal}/readyz")).send().await?;
    response
        .error_for_status()
        .context("it listens and is not ready")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_where_it_listens() {
        let line = r#"{"message":"serving","public":"127.0.0.1:1","internal":"127.0.0.1:2"}"#;
        let expected = (
            "127.0.0.1:1".parse().unwrap(),
            "127.0.0.1:2".parse().unwrap(),
        );
        assert_eq!(addresses(line), Some(expected));
        for line in ["", "text", "{}", r#"{"public":"127.0.0.1:1"}"#] {
            assert_eq!(addresses(line), None, "{line}");
        }
    }
}
