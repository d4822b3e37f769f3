//! From the start of the process until the server is ready, and how big its program is.

use std::fs;
use std::path::Path;

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
const IMAGE_MEGABYTES: f64 = 8.0;

pub async fn measure(programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
    let (_provider, address) = Process::role(&programs.bench, &Role::Provider).await?;
    let mut ready = Vec::new();
    for _ in 0..scale.starts {
        let server = Server::start(&programs.server, &programs.scratch, address).await?;
        ready.push(server.ready_after.as_secs_f64() * 1e3);
        server.process.end().await?;
    }
    let megabytes = megabytes(&programs.server)?;
    let mut rows = vec![
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
    ];
    rows.extend(image(&programs.images)?);
    Ok(rows)
}

/// The image that was built last; nothing when none was.
fn image(images: &Path) -> Result<Option<Row>> {
    let Ok(entries) = fs::read_dir(images) else {
        return Ok(None);
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let tag = name
            .strip_prefix("chatbox-")
            .and_then(|rest| rest.strip_suffix(".tar"));
        // The tag is one word; the operator's archive is named chatbox-operator-TAG.
        if tag.is_some_and(|tag| !tag.contains('-')) {
            return Ok(Some(Row {
                name: "image of the server, as `make images` built it last".to_owned(),
                unit: Unit::Megabytes,
                ours: megabytes(&entry.path())?,
                floor: None,
                goal: Goal::AtMost(IMAGE_MEGABYTES),
            }));
        }
    }
    Ok(None)
}

#[expect(clippy::cast_precision_loss, reason = "told with one digit")]
fn megabytes(file: &Path) -> Result<f64> {
    Ok(fs::metadata(file)?.len() as f64 / 1e6)
}
