//! A server as a process that can be killed.

use std::path::Path;
use std::process::Stdio;

use crds::Config;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{TIMEOUT, documents};

/// A server with its database, as a process of its own.
pub struct Process {
    pub public: String,
    pub internal: String,
    child: Child,
    log: mpsc::UnboundedReceiver<String>,
}

impl Process {
    /// Starts `binary` on what is stored below `home`, and waits until it serves.
    pub async fn start(binary: &str, home: &TempDir, config: &Config) -> Self {
        documents(home.path(), config);
        let mut child = serve(binary, home.path())
            .args(["--log", "chatbox=trace"])
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (send, log) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = send.send(line);
            }
        });
        let mut process = Self {
            public: String::new(),
            internal: String::new(),
            child,
            log,
        };
        let serving = process.logged("serving").await;
        let address = |port: &str| serving[port].as_str().unwrap().to_owned();
        (process.public, process.internal) = (address("public"), address("internal"));
        process
    }

    /// The first line of the log with this message.
    pub async fn logged(&mut self, message: &str) -> Value {
        loop {
            let line = timeout(TIMEOUT, self.log.recv())
                .await
                .unwrap()
                .expect("the process logs on");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == message {
                return line;
            }
        }
    }

    /// Everything that was logged until the process ended.
    pub async fn rest_of_log(&mut self) -> String {
        let mut log = String::new();
        while let Some(line) = timeout(TIMEOUT, self.log.recv()).await.unwrap() {
            log.push_str(&line);
            log.push('\n');
        }
        log
    }

    /// Ends it without a word.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and gives its exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM").await;
        self.exit_code().await
    }

    /// Sends a signal by its name.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .await;
        assert!(sent.unwrap().success());
    }

    /// Waits until it has ended.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let ended = timeout(TIMEOUT, self.child.wait()).await.unwrap();
        ended.unwrap().code()
    }

    /// The token of a new guest.
    pub async fn guest(&self) -> String {
        let response = reqwest::Client::new()
            .post(format!("http://{}/chatbox/guest", self.public))
            .send()
            .await
            .unwrap();
        let guest: Value = response.json().await.unwrap();
        guest["token"].as_str().unwrap().to_owned()
    }
}

/// A server on free ports, with its files below `home`.
pub fn serve(binary: &str, home: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .args([
            "serve",
            "--public",
            "127.0.0.1:0",
            "--internal",
            "127.0.0.1:0",
        ])
        .env("CHATBOX_CONFIG", home.join("config.json"))
        .env("CHATBOX_SECRETS", home.join("secrets"))
        .env("CHATBOX_DATA", home.join("data"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
