//! Resident memory for frames that were begun and do not end.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::Programs;
use super::memory::settled;
use crate::client::Socket;
use crate::process::Process;
use crate::roles::Role;
use crate::scale::Scale;
use crate::server::Server;
use crate::table::{Goal, Row, Unit};

/// What a frame may have unless configured otherwise.
const FRAME_BYTES: usize = 65_536;
/// A pod has 256 MiB, and other things to do with them.
const GOAL_MB: f64 = 40.0;
/// The server has read what lies in its sockets by then.
const READ: Duration = Duration::from_secs(1);

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let server = Server::start(&programs.server, &programs.scratch, address).await?;
    let mut sockets = Vec::new();
    for index in 0..scale.half_frames {
        sockets.push(Socket::connect(&server.target(), &format!("user-{index}")).await?);
    }
    let before = settled(&server.process).await?;
    for socket in &mut sockets {
        socket.begin_frame(FRAME_BYTES).await?;
    }
    sleep(READ).await;
    let held = settled(&server.process).await?;
    drop(sockets);
    server.process.end().await?;
    let frames = scale.half_frames;
    Ok(vec![Row {
        name: format!("memory of {frames} half-sent frames of {FRAME_BYTES} B; floor: their bytes"),
        unit: Unit::Megabytes,
        ours: megabytes(held) - megabytes(before),
        floor: Some(megabytes(u64::try_from(frames * FRAME_BYTES)?)),
        goal: Goal::AtMost(GOAL_MB),
    }])
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
