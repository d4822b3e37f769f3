//! Resident memory for each socket that does nothing: never asked, after one answer, and what is left afterwards.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Programs;
use crate::client::Socket;
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::script::Script;
use crate::server::{Server, Target};
use crate::table::{Goal, Row, Unit};

/// 2 KB in pieces as a model sends them.
const ANSWER: Script = Script {
    tokens: 32,
    every: Duration::ZERO,
    bytes: 64,
};
/// Sockets that open or ask at the same time.
const AT_ONCE: usize = 64;
/// Files beside the sockets.
const SPARE_FILES: u64 = 200;
/// Memory has settled when it moves by less than this share in a second.
const SETTLED: f64 = 0.002;
const SETTLE_SECONDS: usize = 15;

const IDLE_KB: f64 = 6.0;
const ASKED_KB: f64 = 8.0;
const LEFT_SHARE: f64 = 0.25;

/// Resident bytes of one process over the life of many sockets.
#[derive(Clone, Copy)]
struct Sample {
    before: u64,
    idle: u64,
    asked: u64,
    closed: u64,
}

/// What all sockets do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Wait,
    Ask,
    Close,
}

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    raise_file_limit(scale.idle_sockets)?;
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let mut floors = Vec::new();
    for read_buffer_bytes in [1024, 4096] {
        let role = Role::Bare { read_buffer_bytes };
        let (bare, address) = Process::role(&programs.bench, &role).await?;
        let sample = run(&Target::open(address), &bare, scale, Duration::ZERO).await?;
        floors.push((read_buffer_bytes, sample));
        bare.end().await?;
    }
    let server = Server::start(&programs.server, &programs.scratch, address).await?;
    let ours = run(&server.target(), &server.process, scale, scale.after_close).await?;
    server.process.end().await?;
    Ok(rows(scale, ours, &floors))
}

fn rows(scale: &Scale, ours: Sample, floors: &[(usize, Sample)]) -> Vec<Row> {
    let sockets = scale.idle_sockets;
    let each = |sample: Sample, then: u64| kilobytes(then, sample.before, sockets);
    let mut rows = Vec::new();
    for (buffer, floor) in floors {
        let row = |name: &str, pick: fn(Sample) -> u64, limit| Row {
            name: format!(
                "memory of an idle socket at {sockets}, {name}; floor: bare axum, {buffer} B buffer"
            ),
            unit: Unit::Kilobytes,
            ours: each(ours, pick(ours)),
            floor: Some(each(*floor, pick(*floor))),
            goal: Goal::AtMost(limit),
        };
        rows.push(row("never asked", |sample| sample.idle, IDLE_KB));
        rows.push(row("after a 2 KB answer", |sample| sample.asked, ASKED_KB));
    }
    let growth = kilobytes(ours.asked, ours.before, 1000);
    rows.push(Row {
        name: format!(
            "memory left {} s after they closed, of {growth:.0} MB more",
            scale.after_close.as_secs()
        ),
        unit: Unit::Megabytes,
        ours: kilobytes(ours.closed, ours.before, 1000),
        floor: None,
        goal: Goal::AtMost(growth * LEFT_SHARE),
    });
    rows
}

/// Growth in units of 1000 bytes, shared among `parts`.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn kilobytes(then: u64, before: u64, parts: usize) -> f64 {
    (then as f64 - before as f64) / 1e3 / parts as f64
}

async fn run(target: &Target, process: &Process, scale: &Scale, after: Duration) -> Result<Sample> {
    let before = settled(process).await?;
    let (phase, followed) = watch::channel(Phase::Wait);
    let (done, mut arrived) = mpsc::channel(AT_ONCE);
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut sockets = JoinSet::new();
    for index in 0..scale.idle_sockets {
        let (target, gate) = (target.clone(), Arc::clone(&gate));
        let (phase, done) = (followed.clone(), done.clone());
        sockets.spawn(async move { live(&target, index, &gate, phase, &done).await });
    }
    all(&mut arrived, &mut sockets, scale.idle_sockets).await?;
    let idle = settled(process).await?;
    phase.send(Phase::Ask)?;
    all(&mut arrived, &mut sockets, scale.idle_sockets).await?;
    let asked = settled(process).await?;
    phase.send(Phase::Close)?;
    while let Some(socket) = sockets.join_next().await {
        socket??;
    }
    sleep(after).await;
    Ok(Sample {
        before,
        idle,
        asked,
        closed: process.resident()?,
    })
}

/// Waits until every socket has said that it is so far; ends early when one has failed.
async fn all(
    arrived: &mut mpsc::Receiver<()>,
    sockets: &mut JoinSet<Result<()>>,
    count: usize,
) -> Result<()> {
    let mut missing = count;
    while missing > 0 {
        tokio::select! {
            Some(()) = arrived.recv() => missing -= 1,
            Some(socket) = sockets.join_next() => {
                socket?.context("a socket failed")?;
                anyhow::bail!("a socket ended early");
            }
        }
    }
    Ok(())
}

/// One socket: opens, waits, asks, waits, closes. Meanwhile it answers pings, as a browser does.
async fn live(
    target: &Target,
    index: usize,
    gate: &Semaphore,
    mut phase: watch::Receiver<Phase>,
    done: &mpsc::Sender<()>,
) -> Result<()> {
    let permit = gate.acquire().await?;
    let mut socket = Socket::connect(target, &format!("user-{index}")).await?;
    drop(permit);
    done.send(()).await?;
    wait(&mut socket, &mut phase, Phase::Ask).await?;
    let permit = gate.acquire().await?;
    socket.ask(&ANSWER.to_string()).await?;
    socket.answer(|_| ()).await?;
    drop(permit);
    done.send(()).await?;
    wait(&mut socket, &mut phase, Phase::Close).await?;
    let _permit = gate.acquire().await?;
    socket.close().await
}

async fn wait(socket: &mut Socket, phase: &mut watch::Receiver<Phase>, next: Phase) -> Result<()> {
    loop {
        tokio::select! {
            reached = phase.wait_for(|phase| *phase == next) => return reached.map(drop).map_err(Into::into),
            frame = socket.next() => frame.map(drop)?,
        }
    }
}

/// Resident memory as soon as it stays as it is.
pub(super) async fn settled(process: &Process) -> Result<u64> {
    let mut last = process.resident()?;
    for _ in 0..SETTLE_SECONDS {
        sleep(Duration::from_secs(1)).await;
        let now = process.resident()?;
        #[expect(clippy::cast_precision_loss, reason = "only compared")]
        let moved = now.abs_diff(last) as f64 / last as f64;
        if moved < SETTLED {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

/// This process and the server, which inherits the limit, hold a file for each socket.
fn raise_file_limit(sockets: usize) -> Result<()> {
    let needed = u64::try_from(sockets)? + SPARE_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(needed));
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).with_context(|| {
        format!(
            "{sockets} sockets need {needed} open files, and the hard limit is {}; raise it with `ulimit -n {needed}`",
            limit.maximum.unwrap_or_default()
        )
    })
}
