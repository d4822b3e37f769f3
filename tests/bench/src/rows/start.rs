//! From the start of the process until the server is ready, and how big its program is.

use std::fs;

use anyhow::{Context, Result};

use super::Programs;
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::server::Server;
use crate::stats::median;
use crate::table::{Goal, Row, Unit};

const READY_MILLIS: f64 = 7.0;
const BINARY_MEGABYTES: f64 = 18.0;

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let mut ready = Vec::new();
    for _ in 0..scale.starts {
        let server = Server::start(&programs.server, &programs.scratch, address).await?;
        ready.push(server.ready_after.as_secs_f64() * 1e3);
        server.process.end().await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "told with one digit")]
    let megabytes = fs::metadata(&programs.server)?.len() as f64 / 1e6;
    Ok(vec![
        Row {
            name: "start to ready".to_owned(),
            unit: Unit::Milliseconds,
            ours: median(ready).context("the server was never started")?,
            floor: None,
            goal: Goal::AtMost(READY_MILLIS),
        },
        Row {
            name: "binary of the server".to_owned(),
            unit: Unit::Megabytes,
            ours: megabytes,
            floor: None,
            goal: Goal::AtMost(BINARY_MEGABYTES),
        },
    ])
}
