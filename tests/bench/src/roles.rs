//! The other sides of a measurement, each a process of its own so that its processor time and memory are not counted:
//! this program, started again with another subcommand.

mod bare;
mod provider;
mod relay;

use std::io::Write;

use anyhow::Result;
use axum::Router;
use axum::serve::ListenerExt;
use clap::Subcommand;
use tokio::net::TcpListener;

#[derive(Debug, Subcommand)]
pub enum Role {
    /// A stand-in for a model provider: answers what the question asks for, and says when it sent each token
    Provider,
    /// The floor of relaying: a naive relay between sockets and the provider
    Relay {
        /// URL of the provider's chat completions
        #[arg(long)]
        provider: String,
    },
    /// The floor of holding sockets: axum's WebSocket and nothing else
    Bare {
        /// Size of the buffer that each socket reads into
        #[arg(long)]
        read_buffer_bytes: usize,
    },
}

impl Role {
    /// Serves until it is killed.
    pub async fn run(self) -> Result<()> {
        let router = match self {
            Self::Provider => provider::router(),
            Self::Relay { provider } => relay::router(provider),
            Self::Bare { read_buffer_bytes } => bare::router(read_buffer_bytes),
        };
        serve(router).await
    }

    /// The command line that starts it.
    pub fn args(&self) -> Vec<String> {
        match self {
            Self::Provider => vec!["provider".to_owned()],
            Self::Relay { provider } => vec!["relay".to_owned(), format!("--provider={provider}")],
            Self::Bare { read_buffer_bytes } => {
                vec![
                    "bare".to_owned(),
                    format!("--read-buffer-bytes={read_buffer_bytes}"),
                ]
            }
        }
    }
}

/// Serves on a free port, after telling it in one line on standard output.
async fn serve(router: Router) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let listener = listener.tap_io(|stream| {
        // Without it some tokens would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}
