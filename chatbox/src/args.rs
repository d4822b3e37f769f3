//! The command line.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use crds::config::{Config, schema};
use crds::{Problem, runtime};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, Places};
use crate::auth::Keys;
use crate::auth::keys::Claims;
use crate::clock;
use crate::telemetry::{self, LogFormat};

/// AI support chat: streams answers over WebSockets and keeps every message.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the chat.
    Serve(Serve),
    /// Checks a configuration document and says what is wrong with it, field by field.
    Check {
        /// JSON, or YAML if its name ends in .yaml or .yml.
        file: PathBuf,
    },
    /// Prints the JSON schema of the configuration document.
    Schema,
    /// Prints a token for development, signed with the first key of the document.
    Token(Token),
}

#[derive(Args)]
struct Serve {
    /// The configuration document.
    #[arg(long, env = "CHATBOX_CONFIG", default_value = runtime::CONFIG_FILE)]
    config: PathBuf,
    /// Directory of secrets: one directory a secret, one file a key.
    #[arg(long, env = "CHATBOX_SECRETS", default_value = runtime::SECRETS_DIR)]
    secrets: PathBuf,
    /// Directory of the database.
    #[arg(long, env = "CHATBOX_DATA", default_value = runtime::DATA_DIR)]
    data: PathBuf,
    /// Address of the chat.
    #[arg(long, env = "CHATBOX_PUBLIC", default_value_t = every_address(runtime::PUBLIC_PORT))]
    public: SocketAddr,
    /// Address of probes and metrics.
    #[arg(long, env = "CHATBOX_INTERNAL", default_value_t = every_address(runtime::INTERNAL_PORT))]
    internal: SocketAddr,
    /// What is logged: a level, or levels by module.
    #[arg(long, env = "CHATBOX_LOG", default_value = "info")]
    log: String,
    /// Form of the log.
    #[arg(long, env = "CHATBOX_LOG_FORMAT", default_value = "json")]
    log_format: LogFormat,
}

#[derive(Args)]
struct Token {
    /// The configuration document.
    #[arg(long, env = "CHATBOX_CONFIG", default_value = runtime::CONFIG_FILE)]
    config: PathBuf,
    /// Directory of secrets.
    #[arg(long, env = "CHATBOX_SECRETS", default_value = runtime::SECRETS_DIR)]
    secrets: PathBuf,
    /// Id of the user.
    #[arg(long, default_value = "developer")]
    user: String,
    /// Role of the user; may be given more than once.
    #[arg(long = "role")]
    roles: Vec<String>,
    /// How long the token is good for.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(i64).range(1..=30 * 24 * 3600))]
    seconds: i64,
}

/// Does what the command line says. An error is told in words, without a backtrace: it is about the document or the
/// machine, not about the program.
pub async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    async fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run().await,
            Command::Check { file } => {
                load(&file)?;
                print(&format!("{} can be served", file.display()))
            }
            Command::Schema => print(&serde_json::to_string_pretty(&schema())?),
            Command::Token(token) => token.run(),
        }
    }
}

impl Serve {
    async fn run(self) -> anyhow::Result<()> {
        telemetry::start(&self.log, self.log_format)?;
        let config = load(&self.config)?;
        let (public, internal) = (listen(self.public).await?, listen(self.internal).await?);
        let places = Places {
            secrets: self.secrets,
            data: self.data,
        };
        let app = App::start(config, &places, public, internal).await?;
        let (mut terminate, mut interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        app.run(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await
    }
}

impl Token {
    fn run(self) -> anyhow::Result<()> {
        let keys = Keys::load(&load(&self.config)?.auth, &self.secrets)?;
        let claims = Claims {
            user_id: self.user,
            roles: self.roles,
            exp: clock::now().as_second() + self.seconds,
            guest: false,
        };
        print(&keys.sign(&claims)?)
    }
}

/// IPv6 and, as Linux does it, IPv4 too.
fn every_address(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    let bound = match bound {
        // A kernel without IPv6 still has every address of the older kind.
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    };
    bound.with_context(|| format!("cannot listen on {address}"))
}

/// Reads and checks a document; an error tells everything that is wrong with it.
fn load(file: &Path) -> anyhow::Result<Config> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let yaml = file
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    let json = if yaml {
        to_json(&text).with_context(|| file.display().to_string())?
    } else {
        text
    };
    let parsed =
        Config::parse(&json).with_context(|| format!("{} cannot be read", file.display()))?;
    for field in parsed.unknown {
        tracing::warn!(
            config.field = field,
            "the document has a field that this release does not know; it is ignored"
        );
        // Commands that only look have no log.
        if !tracing::enabled!(tracing::Level::WARN) {
            writeln!(
                std::io::stderr(),
                "warning: {field}: not known to this release, ignored"
            )?;
        }
    }
    let mut problems = parsed.config.check();
    if parsed.config.auth.hs256.is_none() {
        // In Kubernetes the operator has put its own key here.
        let message = "is missing; name at least one signing key";
        problems.push(Problem::new("auth.hs256", message));
    }
    if problems.is_empty() {
        return Ok(parsed.config);
    }
    let list: String = problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    bail!("{} cannot be served:{list}", file.display())
}

fn to_json(yaml: &str) -> anyhow::Result<String> {
    let value: serde_json::Value = serde_saphyr::from_str(yaml)?;
    Ok(value.to_string())
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
