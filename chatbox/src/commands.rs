//! What each command of the command line does.

mod rekey;

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use crds::Config;
use crds::config;
use tokio::net::TcpListener;

use crate::app::{self, Adapters, App, Paths};
use crate::args::{Cli, Command, Document, Serve, Token};
use crate::auth::Keys;
use crate::auth::keys::Claims;
use crate::config_file::{Checks, check, load};
use crate::{clock, open_files, signals, telemetry, wire};

/// Does what the command line says. An error is printed as a sentence, without a backtrace: it is about the document or the
/// machine, not about the program.
pub async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve(args).await,
        Command::Check {
            file,
            strict,
            secrets,
        } => {
            let checks = Checks {
                is_strict: strict,
                secrets: secrets.as_deref(),
            };
            check(&file, checks)?;
            print(&format!("{} can be served", file.display()))
        }
        Command::Schema { of } => schema(of),
        Command::Token(args) => token(args),
        Command::Rekey(args) => rekey::run(args).await,
    }
}

async fn serve(args: Serve) -> anyhow::Result<()> {
    telemetry::start(&args.log, args.log_format)?;
    let config = load(&args.config)?;
    open_files::raise(app::open_files(&config));
    let (public, internal) = (listen(args.public).await?, listen(args.internal).await?);
    let paths = Paths {
        secrets: args.secrets,
        data: args.data,
    };
    let stop = signals::stop_requested().context("cannot listen to signals")?;
    tokio::pin!(stop);
    let app = tokio::select! {
        app = start(config, paths, public, internal) => app?,
        () = &mut stop => return Ok(()),
    };
    app.run(stop).await
}

async fn start(
    config: Config,
    paths: Paths,
    public: TcpListener,
    internal: TcpListener,
) -> anyhow::Result<App> {
    let adapters = Adapters::open(&config, &paths).await?;
    App::start(config, &paths, adapters, public, internal).await
}

fn schema(of: Document) -> anyhow::Result<()> {
    let schema = match of {
        Document::Config => config::schema(),
        Document::Wire => wire::schema::schema(),
    };
    print(&serde_json::to_string_pretty(&schema)?)
}

fn token(args: Token) -> anyhow::Result<()> {
    let keys = Keys::load(&load(&args.config)?.auth, &args.secrets)?;
    let claims = Claims {
        user_id: args.user,
        roles: args.roles,
        exp: clock::now().as_second() + args.seconds,
        guest: false,
    };
    print(&keys.sign(&claims)?)
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = match TcpListener::bind(address).await {
        // A kernel without IPv6 still has the wildcard address of IPv4.
        Err(_) if address.ip() == Ipv6Addr::UNSPECIFIED => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    };
    bound.with_context(|| format!("cannot listen on {address}"))
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}
