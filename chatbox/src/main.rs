//! The chat server. See [`chatbox::args`] for its command line.

use std::process::ExitCode;

/// The allocator of the C library keeps what thousands of connections have freed; this one gives it back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // The one TLS provider of this program; without it a client could choose between two and would panic.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    chatbox::commands::main().await
}
