//! The chat server. See [`chatbox::args`] for what it can be told.

use chatbox::args::Cli;
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The one TLS provider of this program; without it a client could choose between two and would panic.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Cli::parse().run().await
}
