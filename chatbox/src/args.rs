//! The command line: what it may say, and nothing of what is done.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use crds::runtime;

use crate::telemetry::LogFormat;

/// AI support chat: streams answers over WebSockets and keeps every message.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serves the chat.
    Serve(Serve),
    /// Checks a configuration document and says what is wrong with it, field by field.
    Check {
        /// JSON, or YAML if its name ends in .yaml or .yml.
        file: PathBuf,
        /// A field that this release does not know is an error.
        #[arg(long)]
        strict: bool,
        /// Directory of secrets: those that the document names are checked too.
        #[arg(long)]
        secrets: Option<PathBuf>,
    },
    /// Prints a JSON schema.
    Schema {
        /// What the schema is of.
        #[arg(value_enum, default_value_t = Document::Config)]
        of: Document,
    },
    /// Prints a token for development, signed with the first key of the document.
    Token(Token),
    /// Encrypts everything that is stored with the first key of the document, as a server does in the background.
    Rekey(Rekey),
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Document {
    /// The configuration document.
    Config,
    /// Frames on the socket, in both directions.
    Wire,
}

#[derive(Args)]
pub struct Serve {
    /// The configuration document.
    #[arg(long, env = "CHATBOX_CONFIG", default_value = runtime::CONFIG_FILE)]
    pub config: PathBuf,
    /// Directory of secrets: one directory a secret, one file a key.
    #[arg(long, env = "CHATBOX_SECRETS", default_value = runtime::SECRETS_DIR)]
    pub secrets: PathBuf,
    /// Directory of the database.
    #[arg(long, env = "CHATBOX_DATA", default_value = runtime::DATA_DIR)]
    pub data: PathBuf,
    /// Address of the chat.
    #[arg(long, env = "CHATBOX_PUBLIC", default_value_t = all_addresses(runtime::PUBLIC_PORT))]
    pub public: SocketAddr,
    /// Address of probes and metrics.
    #[arg(long, env = "CHATBOX_INTERNAL", default_value_t = all_addresses(runtime::INTERNAL_PORT))]
    pub internal: SocketAddr,
    /// What is logged: a level, or levels by module.
    #[arg(long, env = "CHATBOX_LOG", default_value = "info")]
    pub log: String,
    /// Form of the log.
    #[arg(long, env = "CHATBOX_LOG_FORMAT", default_value = "json")]
    pub log_format: LogFormat,
}

#[derive(Args)]
pub struct Token {
    /// The configuration document.
    #[arg(long, env = "CHATBOX_CONFIG", default_value = runtime::CONFIG_FILE)]
    pub config: PathBuf,
    /// Directory of secrets.
    #[arg(long, env = "CHATBOX_SECRETS", default_value = runtime::SECRETS_DIR)]
    pub secrets: PathBuf,
    /// Id of the user.
    #[arg(long, default_value = "developer")]
    pub user: String,
    /// Role of the user; may be given more than once.
    #[arg(long = "role")]
    pub roles: Vec<String>,
    /// How long the token is good for.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(i64).range(1..=30 * 24 * 3600))]
    pub seconds: i64,
}

#[derive(Args)]
pub struct Rekey {
    /// The configuration document.
    #[arg(long, env = "CHATBOX_CONFIG", default_value = runtime::CONFIG_FILE)]
    pub config: PathBuf,
    /// Directory of secrets: one directory a secret, one file a key.
    #[arg(long, env = "CHATBOX_SECRETS", default_value = runtime::SECRETS_DIR)]
    pub secrets: PathBuf,
    /// Directory of the database.
    #[arg(long, env = "CHATBOX_DATA", default_value = runtime::DATA_DIR)]
    pub data: PathBuf,
    /// Changes nothing: counts what each key has encrypted, and says which keys may be removed. Fails unless that is every
    /// key but the first. Works beside a server.
    #[arg(long)]
    pub verify: bool,
    /// Also encrypts texts that are not encrypted though everything was. Whoever can write to the database may have put
    /// them there.
    #[arg(long, conflicts_with = "verify")]
    pub accept_plaintext: bool,
}

/// The wildcard address of IPv6, which on Linux takes IPv4 connections too.
fn all_addresses(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}
