//! The chat server's own command line as a program of this crate, so that tests can start and kill a real process.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    chatbox::commands::main().await
}
