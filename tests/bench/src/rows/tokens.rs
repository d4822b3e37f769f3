//! Many answers at the same time: processor time for each token that is relayed, and the delay added to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Programs, askers};
use crate::client::{Source, completions};
use crate::clock;
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::script::Script;
use crate::server::{Server, Target};
use crate::stats::{Delays, median};
use crate::table::{Goal, Row, Unit};

/// The answers begin one after the other within this time, so that their tokens do not come in step.
const RAMP: Duration = Duration::from_secs(1);
/// From the last beginning until tokens are counted.
const SETTLE: Duration = Duration::from_secs(1);

const CPU_TIMES_NAIVE: f64 = 1.5;
const ADDED_MILLIS: f64 = 3.0;

/// What one run tells.
struct Sample {
    cpu_micros: Option<f64>,
    p50: f64,
    p99: f64,
}

/// The tokens that count: those sent within it.
struct Window {
    from: u64,
    to: u64,
    delays: Delays,
}

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let (mut ours, mut naive, mut direct) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scale.runs {
        let server = Server::start(&programs.server, &programs.scratch, address).await?;
        let source = Source::Sockets(server.target());
        ours.push(run(&source, Some(&server.process), scale).await?);
        server.process.end().await?;

        let role = Role::Relay {
            provider: completions(address),
        };
        let (relay, relay_address) = Process::role(&programs.bench, &role).await?;
        let source = Source::Sockets(Target::open(relay_address));
        naive.push(run(&source, Some(&relay), scale).await?);
        relay.end().await?;

        direct.push(run(&Source::provider(address), None, scale).await?);
    }
    rows(&ours, &naive, &direct)
}

fn rows(ours: &[Sample], naive: &[Sample], direct: &[Sample]) -> Result<Vec<Row>> {
    let delay = |name: &str, part: fn(&Sample) -> f64, floor: &[Sample], goal| -> Result<Row> {
        Ok(Row {
            name: name.to_owned(),
            unit: Unit::Milliseconds,
            ours: middle(ours, part)?,
            floor: Some(middle(floor, part)?),
            goal,
        })
    };
    let cpu = |samples: &[Sample]| {
        let micros = samples.iter().filter_map(|sample| sample.cpu_micros);
        median(micros.collect()).context("no processor time was read")
    };
    let p50 = |sample: &Sample| sample.p50;
    let p99 = |sample: &Sample| sample.p99;
    Ok(vec![
        Row {
            name: "processor time for a relayed token; floor: naive relay".to_owned(),
            unit: Unit::Microseconds,
            ours: cpu(ours)?,
            floor: Some(cpu(naive)?),
            goal: Goal::TimesFloor(CPU_TIMES_NAIVE),
        },
        delay(
            "delay of a token, p50; floor: direct",
            p50,
            direct,
            Goal::Reported,
        )?,
        delay(
            "delay of a token, p99; floor: direct",
            p99,
            direct,
            Goal::OverFloor(ADDED_MILLIS),
        )?,
        delay(
            "delay of a token, p50; floor: naive relay",
            p50,
            naive,
            Goal::Reported,
        )?,
        delay(
            "delay of a token, p99; floor: naive relay",
            p99,
            naive,
            Goal::Reported,
        )?,
    ])
}

fn middle(samples: &[Sample], part: fn(&Sample) -> f64) -> Result<f64> {
    median(samples.iter().map(part).collect()).context("nothing was measured")
}

/// All answers at once; the processor time of `relay` while tokens are counted.
async fn run(source: &Source, relay: Option<&Process>, scale: &Scale) -> Result<Sample> {
    let askers = askers(source, usize::try_from(scale.streams)?).await?;
    let (begun, warm_up) = (Instant::now(), RAMP + SETTLE);
    let from = clock::now() + u64::try_from(warm_up.as_nanos())?;
    let window = Arc::new(Window {
        from,
        to: from + u64::try_from(scale.window.as_nanos())?,
        delays: Delays::default(),
    });
    let script = Script {
        tokens: scale.tokens_per_second * u32::try_from((warm_up + scale.window).as_secs())?,
        every: Duration::from_secs(1) / scale.tokens_per_second,
        bytes: 0,
    };
    let mut answers = JoinSet::new();
    for (index, mut asker) in (0..).zip(askers) {
        let (window, pause) = (Arc::clone(&window), RAMP / scale.streams * index);
        answers.spawn(async move {
            sleep(pause).await;
            asker.run(script, |at| window.record(at)).await
        });
    }
    sleep_until(begun + warm_up).await;
    let before = relay.map(Process::cpu).transpose()?;
    sleep_until(begun + warm_up + scale.window).await;
    let after = relay.map(Process::cpu).transpose()?;
    while let Some(answer) = answers.join_next().await {
        answer??;
    }
    let tokens = window.delays.count();
    ensure!(tokens > 0, "no token came while tokens were counted");
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let for_each = |used: Duration| used.as_secs_f64() * 1e6 / tokens as f64;
    let used = after
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    Ok(Sample {
        cpu_micros: used.map(for_each),
        p50: window.delays.millis(50.0),
        p99: window.delays.millis(99.0),
    })
}

impl Window {
    /// Records the delay of a token that was sent at `at` and has just come.
    fn record(&self, at: u64) {
        if (self.from..self.to).contains(&at) {
            self.delays.record(clock::now().saturating_sub(at));
        }
    }
}
