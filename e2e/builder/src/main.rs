//! Builds parts of Chatbox, and starts nothing.

use std::process::ExitCode;

use anyhow::Result;
use builder::{images, page, programs, progress::Progress};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "builder", about = "Builds parts of Chatbox on this machine")]
struct Args {
    #[command(subcommand)]
    target: Target,
}

#[derive(Subcommand)]
enum Target {
    /// The page of the chat server
    Page,
    /// The page, both programs and both images
    Images,
    /// The page and the program behind `make try`
    LocalServer,
    /// The program behind `make up` and `make down`
    Cluster,
}

fn main() -> ExitCode {
    let target = Args::parse().target;
    let progress = Progress::begin();
    match build(&target, &progress) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress.say(&format!("\nfailed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn build(target: &Target, progress: &Progress) -> Result<()> {
    match target {
        Target::Page => page::build(progress),
        Target::Images => images::build(progress).map(drop),
        Target::LocalServer => {
            page::build(progress)?;
            programs::debug(progress, "chat server", "local-server")
        }
        Target::Cluster => programs::debug(progress, "cluster command", "cluster"),
    }
}
