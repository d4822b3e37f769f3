//! From a question to the first token of its answer, when several ask at the same moment.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Programs, askers, disk};
use crate::client::Source;
use crate::clock;
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::script::Script;
use crate::server::Server;
use crate::stats::{Delays, median};
use crate::table::{Goal, Row, Unit};

/// What may come on top of the one flush that a question needs, for each size of [`Scale::bursts`].
const OVER_FSYNC_MILLIS: [f64; 3] = [1.0, 8.0, 50.0];

const ANSWER: Script = Script {
    tokens: 3,
    every: std::time::Duration::ZERO,
    bytes: 0,
};

/// The percentiles of one run.
#[derive(Clone, Copy)]
struct Sample {
    p50: f64,
    p99: f64,
}

/// All runs of one size.
struct Burst<'a> {
    askers: usize,
    ours: &'a [Sample],
    direct: &'a [Sample],
    fsync: f64,
}

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let mut ours = [const { Vec::new() }; 3];
    let mut direct = [const { Vec::new() }; 3];
    let mut fsync = Vec::new();
    for _ in 0..scale.runs {
        fsync.push(disk::fsyncs(&programs.scratch, scale.fsyncs)?.millis(50.0));
        let server = Server::start(&programs.server, &programs.scratch, address).await?;
        for (index, (askers, rounds)) in scale.bursts.into_iter().enumerate() {
            let source = Source::Sockets(server.target());
            ours[index].push(run(&source, askers, rounds).await?);
            direct[index].push(run(&Source::provider(address), askers, rounds).await?);
        }
        server.process.end().await?;
    }
    let fsync = median(fsync).context("no flush was measured")?;
    let sizes = scale
        .bursts
        .into_iter()
        .zip(OVER_FSYNC_MILLIS)
        .zip(ours.iter().zip(&direct));
    let mut rows = vec![fsync_row(fsync)];
    for (((askers, _), over), (ours, direct)) in sizes {
        let goal = Goal::AtMost(fsync + over);
        // The slowest of a few who ask alone says more about the machine than about the server.
        let slowest = if askers == 1 { Goal::Reported } else { goal };
        let burst = Burst {
            askers,
            ours,
            direct,
            fsync,
        };
        rows.push(burst.row("p50", goal, |sample| sample.p50)?);
        rows.push(burst.row("p99", slowest, |sample| sample.p99)?);
    }
    Ok(rows)
}

fn fsync_row(fsync: f64) -> Row {
    Row {
        name: "one fsync of this disk, p50".to_owned(),
        unit: Unit::Milliseconds,
        ours: fsync,
        floor: None,
        goal: Goal::Reported,
    }
}

impl Burst<'_> {
    fn row(&self, percentile: &str, goal: Goal, part: fn(&Sample) -> f64) -> Result<Row> {
        let middle = |samples: &[Sample]| {
            median(samples.iter().map(part).collect()).context("nothing was measured")
        };
        let askers = self.askers;
        Ok(Row {
            name: format!(
                "question to first token, {askers} at once, {percentile}; floor: direct + fsync"
            ),
            unit: Unit::Milliseconds,
            ours: middle(self.ours)?,
            floor: Some(middle(self.direct)? + self.fsync),
            goal,
        })
    }
}

/// `count` ask together, and together again when all have their answers.
async fn run(source: &Source, count: usize, rounds: usize) -> Result<Sample> {
    let together = Arc::new(Barrier::new(count));
    let delays = Arc::new(Delays::default());
    let mut tasks = JoinSet::new();
    for mut asker in askers(source, count).await? {
        let (together, delays) = (Arc::clone(&together), Arc::clone(&delays));
        tasks.spawn(async move {
            // The first round opens connections to the provider, and does not count.
            for round in 0..=rounds {
                together.wait().await;
                let asked = clock::now();
                let mut is_first = round > 0;
                let first = |_| {
                    if std::mem::take(&mut is_first) {
                        delays.record(clock::now() - asked);
                    }
                };
                asker.run(ANSWER, first).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        // Returning aborts the others, which would wait for this one for ever.
        task??;
    }
    Ok(Sample {
        p50: delays.millis(50.0),
        p99: delays.millis(99.0),
    })
}
