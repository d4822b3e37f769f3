//! From a question to its acknowledgement, while one visitor asks again and again for what was missed.

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use super::Programs;
use super::ack;
use crate::client::{Socket, Source};
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::script::Script;
use crate::server::{Server, Target};
use crate::stats::{Delays, median};
use crate::table::{Goal, Row, Unit};

/// Sockets of the visitor: all but two that one may have.
const SOCKETS: usize = 8;
const VISITOR: &str = "visitor";
/// An answer of 2 KB, of which many are missed.
const MISSED: Script = Script {
    tokens: 32,
    every: std::time::Duration::ZERO,
    bytes: 64,
};
/// Milliseconds that others may wait longer at most.
const GOAL_P50: f64 = 5.0;
const GOAL_P99: f64 = 50.0;

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..scale.runs {
        let server = Server::start(&programs.server, &programs.scratch, address).await?;
        let source = Source::Sockets(server.target());
        let session = missed_messages(&server.target(), scale).await?;
        alone.push(percentiles(&ack::run(&source, scale).await?));
        let mut resuming = JoinSet::new();
        for _ in 0..SOCKETS {
            let socket = Socket::connect(&server.target(), VISITOR).await?;
            resuming.spawn(resume_for_ever(socket, session.clone()));
        }
        beside.push(percentiles(&ack::run(&source, scale).await?));
        drop(resuming);
        server.process.end().await?;
    }
    let row = |index: usize, name: &str, more: f64| -> Result<Row> {
        let middle = |runs: &[[f64; 2]]| median(runs.iter().map(|run| run[index]).collect());
        Ok(Row {
            name: format!(
                "question to acknowledgement beside {SOCKETS} sockets that resume, {name}; floor: without them"
            ),
            unit: Unit::Milliseconds,
            ours: middle(&beside).context("nothing was measured")?,
            floor: middle(&alone),
            goal: Goal::OverFloor(more),
        })
    };
    Ok(vec![row(0, "p50", GOAL_P50)?, row(1, "p99", GOAL_P99)?])
}

fn percentiles(delays: &Delays) -> [f64; 2] {
    [delays.millis(50.0), delays.millis(99.0)]
}

/// A session of the visitor with so many questions and answers.
async fn missed_messages(target: &Target, scale: &Scale) -> Result<String> {
    let mut socket = Socket::connect(target, VISITOR).await?;
    for _ in 0..scale.missed {
        socket.ask(&MISSED.to_string()).await?;
        socket.answer(|_| ()).await?;
    }
    let session = socket.session().to_owned();
    socket.close().await?;
    Ok(session)
}

/// Asks for everything, and again as soon as there is a reply, whatever it is.
async fn resume_for_ever(mut socket: Socket, session: String) -> Result<()> {
    loop {
        socket.resume(&session).await?;
        socket.resumed_or_refused().await?;
    }
}
