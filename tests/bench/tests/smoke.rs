//! Every row of the server can still be measured. What it measures means nothing here.

use std::path::{Path, PathBuf};

use bench::args::{Group, measure};
use bench::rows::Programs;
use bench::scale::Scale;
use bench::table;

fn programs(scratch: &Path) -> Programs {
    Programs {
        bench: PathBuf::from(env!("CARGO_BIN_EXE_bench")),
        server: PathBuf::from(env!("CARGO_BIN_EXE_bench-server")),
        operator: PathBuf::new(),
        images: PathBuf::new(),
        scratch: scratch.to_owned(),
    }
}

/// Measures these rows, and checks that each has a figure and that nothing is left behind.
async fn check(groups: &[Group], rows: usize) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let (measured, failures) = measure(&programs(scratch.path()), groups, &Scale::SMOKE).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(measured.len(), rows, "{measured:?}");
    for row in &measured {
        assert!(
            row.ours.is_finite() && row.floor.is_none_or(f64::is_finite),
            "{row:?}"
        );
    }
    assert_eq!(table::markdown(&measured).lines().count(), rows + 2);
    let left: Vec<_> = std::fs::read_dir(scratch.path())?.collect();
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn start() -> anyhow::Result<()> {
    check(&[Group::Start], 2).await
}

#[tokio::test]
async fn tokens() -> anyhow::Result<()> {
    check(&[Group::Tokens], 5).await
}

#[tokio::test]
async fn first_token() -> anyhow::Result<()> {
    check(&[Group::FirstToken], 7).await
}

#[tokio::test]
async fn ack() -> anyhow::Result<()> {
    check(&[Group::Ack], 2).await
}

#[tokio::test]
async fn memory() -> anyhow::Result<()> {
    check(&[Group::Memory], 5).await
}

#[tokio::test]
async fn half_frames() -> anyhow::Result<()> {
    check(&[Group::HalfFrames], 1).await
}

#[tokio::test]
async fn resuming() -> anyhow::Result<()> {
    check(&[Group::Resuming], 2).await
}

#[tokio::test]
async fn what_cannot_be_measured_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let programs = Programs {
        server: scratch.path().join("nothing"),
        ..programs(scratch.path())
    };
    let (rows, failures) = measure(&programs, &[Group::Start], &Scale::SMOKE).await;
    assert!(rows.is_empty());
    assert!(
        failures.len() == 1 && failures[0].starts_with("Start: "),
        "{failures:?}"
    );
}
