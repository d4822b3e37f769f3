//! One module for each thing that is measured.

pub mod ack;
pub mod disk;
pub mod first_token;
pub mod half_frames;
pub mod memory;
pub mod operator;
pub mod resuming;
pub mod start;
pub mod tokens;

use std::path::PathBuf;

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::client::{Asker, Source};

/// Sockets that are opened at the same time.
const OPENING: usize = 32;

/// What is measured, and where it may write.
#[derive(Clone, Debug)]
pub struct Programs {
    /// This program, which plays every other side.
    pub bench: PathBuf,
    pub server: PathBuf,
    pub operator: PathBuf,
    /// Where `make images` writes.
    pub images: PathBuf,
    /// On the disk whose flushes are measured.
    pub scratch: PathBuf,
}

/// So many askers, each a user of its own.
async fn askers(source: &Source, count: usize) -> Result<Vec<Asker>> {
    let opening = stream::iter(0..count).map(|index| {
        let source = source.clone();
        async move { source.asker(&format!("user-{index}")).await }
    });
    opening.buffer_unordered(OPENING).try_collect().await
}
