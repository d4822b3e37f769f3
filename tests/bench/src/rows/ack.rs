//! From a question to its acknowledgement at a steady rate.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::{Programs, askers, disk};
use crate::client::{Asker, Socket, Source, is_ack};
use crate::clock;
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::script::Script;
use crate::server::Server;
use crate::stats::{Delays, median};
use crate::table::{Goal, Row, Unit};

/// Each asker asks so often; their number makes the rate.
const EVERY: Duration = Duration::from_secs(1);

/// Percentiles of both, in milliseconds.
struct Sample {
    ack: [f64; 2],
    fsync: [f64; 2],
}

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let mut samples = Vec::new();
    for _ in 0..scale.runs {
        let fsync = disk::fsyncs(&programs.scratch, scale.fsyncs)?;
        let server = Server::start(&programs.server, &programs.scratch, address).await?;
        let ack = run(&Source::Sockets(server.target()), scale).await?;
        server.process.end().await?;
        samples.push(Sample {
            ack: [ack.millis(50.0), ack.millis(99.0)],
            fsync: [fsync.millis(50.0), fsync.millis(99.0)],
        });
    }
    let row = |(index, name): (usize, &str)| {
        let ours = median(samples.iter().map(|sample| sample.ack[index]).collect());
        let askers = scale.askers;
        Ok(Row {
            name: format!("question to acknowledgement at {askers} a second, {name}; floor: fsync"),
            unit: Unit::Milliseconds,
            ours: ours.context("nothing was measured")?,
            floor: median(samples.iter().map(|sample| sample.fsync[index]).collect()),
            goal: Goal::Reported,
        })
    };
    ["p50", "p99"].into_iter().enumerate().map(row).collect()
}

pub(super) async fn run(source: &Source, scale: &Scale) -> Result<Delays> {
    let delays = Arc::new(Delays::default());
    let mut tasks = JoinSet::new();
    let (begin, end) = (
        Instant::now() + EVERY,
        Instant::now() + EVERY + scale.window,
    );
    for (index, asker) in (0..).zip(askers(source, usize::try_from(scale.askers)?).await?) {
        let Asker::Socket(socket) = asker else {
            anyhow::bail!("the provider acknowledges nothing");
        };
        let first = begin + EVERY / scale.askers * index;
        tasks.spawn(ask_on(*socket, first, end, Arc::clone(&delays)));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    ensure!(delays.count() > 0, "nothing was acknowledged");
    Arc::into_inner(delays).context("a task still measures")
}

/// Asks once in [`EVERY`], whether or not the question before was acknowledged.
async fn ask_on(
    mut socket: Socket,
    first: Instant,
    end: Instant,
    delays: Arc<Delays>,
) -> Result<()> {
    let question = Script::at_once(2, 0).to_string();
    let mut pace = interval_at(first, EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut waiting = VecDeque::new();
    loop {
        tokio::select! {
            _ = pace.tick() => {
                waiting.push_back(clock::now());
                socket.ask(&question).await?;
            }
            frame = socket.next() => {
                if is_ack(&frame?) {
                    let asked: u64 = waiting.pop_front().context("an acknowledgement of nothing")?;
                    delays.record(clock::now() - asked);
                }
            }
            () = sleep_until(end) => return Ok(()),
        }
    }
}
