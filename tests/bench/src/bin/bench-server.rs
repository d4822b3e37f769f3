//! The server as a program of this crate, so that Cargo builds it before the tests that start it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    chatbox::commands::main().await
}
