//! One flush of the disk that the database lies on: what no stored question can be faster than.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::stats::Delays;

/// As much as the smallest commit of a database writes.
const BLOCK: [u8; 4096] = [7; 4096];

/// The time of each of `count` flushes, each after a block was appended, as SQLite does with its write-ahead log.
pub fn fsyncs(scratch: &Path, count: usize) -> Result<Delays> {
    let delays = Delays::default();
    let mut file: File = tempfile::tempfile_in(scratch)?;
    for _ in 0..count {
        file.write_all(&BLOCK)?;
        let begun = Instant::now();
        file.sync_all()?;
        delays.record(u64::try_from(begun.elapsed().as_nanos())?);
    }
    Ok(delays)
}
