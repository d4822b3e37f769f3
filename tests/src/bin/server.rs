//! The chat server's own command line as a program of this crate, so that tests can start and kill a real process.

use chatbox::args::Cli;
use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Cli::parse().run().await
}
