//! A first chat without Kubernetes: the chat server on 127.0.0.1 with the demo model and a key of its own.
//!
//! It keeps everything in one folder, which goes when it ends.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use builder::scratch::Scratch;
use chatbox::{
    app::{Adapters, App, Paths},
    config_file, signals,
    telemetry::{self, LogFormat},
};
use clap::Parser;
use serde_json::json;
use tokio::net::TcpListener;

/// Taken if it is free, so that a bookmark still leads to the next chat.
const USUAL_PORT: u16 = 8080;

#[derive(Parser)]
#[command(
    name = "local-server",
    about = "A first chat without Kubernetes, until Ctrl-C"
)]
struct Args {
    /// Port on 127.0.0.1; left out, 8080 or any that is free
    #[arg(long)]
    port: Option<u16>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Args::parse().port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(port: Option<u16>) -> Result<()> {
    telemetry::start("warn", LogFormat::Text)?;
    let public = match port {
        Some(port) => listen(port).await?,
        None => match listen(USUAL_PORT).await {
            Ok(listener) => listener,
            Err(_) => listen(0).await?,
        },
    };
    let address = public.local_addr()?;
    let scratch = Scratch::new("local-server")?;
    let paths = Paths {
        secrets: scratch.path().join("secrets"),
        data: scratch.path().join("data"),
    };
    let config = config_file::load(&write_config(scratch.path())?)?;
    let page = format!("http://{address}{}/chat.html", config.server.path_prefix);
    let stop = signals::stop_requested().context("cannot listen to signals")?;
    let adapters = Adapters::open(&config, &paths).await?;
    let app = App::start(config, &paths, adapters, public, listen(0).await?).await?;
    say(&format!(
        "\nChat at {page}\n\nA demo model answers. Messages are kept until Ctrl-C ends this; then nothing is left."
    ));
    app.run(stop).await
}

/// Writes the document and its signing key. Returns the document's path.
fn write_config(dir: &Path) -> Result<PathBuf> {
    let key = format!(
        "{:032x}{:032x}",
        rand::random::<u128>(),
        rand::random::<u128>()
    );
    let document = json!({
        // Whoever presses Ctrl-C is done.
        "server": {"drainSeconds": 1},
        "auth": {"hs256": {"keys": [{"name": "jwt", "key": "current"}]}, "guests": {}},
        "models": [{"id": "demo", "name": "Demo assistant", "demo": {}}],
        "storage": {"sqlite": {}},
    });
    write(&dir.join("secrets/jwt/current"), &key)?;
    let path = dir.join("config.json");
    write(&path, &document.to_string())?;
    Ok(path)
}

/// Writes a new file that only its owner reads.
fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

async fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.with_context(|| format!("cannot listen on 127.0.0.1:{port}"))
}

fn say(text: &str) {
    // A closed pipe on the other side must not end the chat.
    let _ = writeln!(std::io::stdout(), "{text}");
}
