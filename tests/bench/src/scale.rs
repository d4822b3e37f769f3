//! How much is measured, and how often.

use std::time::Duration;

/// The size of every row.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Repetitions of a row whose median is told.
    pub runs: usize,
    pub idle_sockets: usize,
    /// Between the end of the last socket and what is then left is read.
    pub after_close: Duration,
    pub streams: u32,
    pub tokens_per_second: u32,
    /// How long tokens are counted.
    pub window: Duration,
    /// How many ask at the same moment, and how often each run has them do it.
    pub bursts: [(usize, usize); 3],
    pub askers: u32,
    /// Frames that are begun and do not end.
    pub half_frames: usize,
    /// Questions with their answers that a visitor has missed: what one resume may bring.
    pub missed: usize,
    pub starts: usize,
    pub fsyncs: usize,
    pub chatboxes: usize,
    /// How long a converged operator is watched.
    pub idle: Duration,
}

impl Scale {
    /// `make bench`: the sizes of the goals.
    pub const FULL: Self = Self {
        runs: 3,
        idle_sockets: 15_000,
        after_close: Duration::from_mins(1),
        streams: 250,
        tokens_per_second: 20,
        window: Duration::from_secs(10),
        bursts: [(1, 30), (50, 8), (250, 4)],
        askers: 300,
        half_frames: 250,
        missed: 250,
        starts: 5,
        fsyncs: 200,
        chatboxes: 1000,
        idle: Duration::from_mins(2),
    };

    /// `make bench-fleet`: what a cluster of many instances asks of the operator.
    pub const FLEET: Self = Self {
        chatboxes: 10_000,
        ..Self::FULL
    };

    /// Small enough for a test: it shows that every row can be measured, and no figure means anything.
    pub const SMOKE: Self = Self {
        runs: 1,
        idle_sockets: 20,
        after_close: Duration::ZERO,
        streams: 4,
        tokens_per_second: 20,
        window: Duration::from_secs(1),
        bursts: [(1, 2), (2, 1), (4, 1)],
        askers: 10,
        half_frames: 4,
        missed: 3,
        starts: 1,
        fsyncs: 3,
        chatboxes: 3,
        idle: Duration::from_secs(1),
    };
}
