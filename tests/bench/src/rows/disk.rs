//! One flush of the disk that the database lies on: what no stored question can be faster than.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::stats::Delays;

/// As much as the smallest commit of a database writes.
const BLOCK: [u8; 4096] = [7; 4096];

/// So long that the log of a busy database has been written around once.
const BLOCKS: u64 = 64;

/// The time of each of `count` flushes, each after one block of a file that has its length already: the write-ahead log
/// of a database is written again from its start.
pub fn fsyncs(scratch: &Path, count: usize) -> Result<Delays> {
    let delays = Delays::default();
    let file = tempfile::tempfile_in(scratch)?;
    for block in 0..BLOCKS {
        file.write_all_at(&BLOCK, block * 4096)?;
    }
    file.sync_all()?;
    for (_, block) in (0..count).zip((0..BLOCKS).cycle()) {
        file.write_all_at(&BLOCK, block * 4096)?;
        let begun = Instant::now();
        file.sync_all()?;
        delays.record(u64::try_from(begun.elapsed().as_nanos())?);
    }
    Ok(delays)
}
