//! The two commands of a developer's day: a cluster with Chatbox in it, and none.

use std::process::ExitCode;

use anyhow::Result;
use builder::{paths::bin, progress::Progress};
use clap::{Parser, Subcommand};
use cluster::{down, node, paths, up};
use control_plane::ControlPlane;

#[derive(Parser)]
#[command(
    name = "cluster",
    about = "A real Kubernetes on this machine, with the Chatbox operator in it"
)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build what changed, start what is not running, install the operator and a first Chatbox
    Up,
    /// End everything and leave nothing behind
    Down,
    /// Print the lines that make a shell use the cluster
    Env,
    /// Run a control plane without a node until Enter is pressed; needs no root
    ControlPlane,
}

fn main() -> ExitCode {
    if let Some(code) = node::reexec() {
        return code;
    }
    let verb = Args::parse().verb;
    let progress = Progress::begin();
    match act(&verb, &progress) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress.say(&format!("\nfailed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn act(verb: &Verb, progress: &Progress) -> Result<()> {
    match verb {
        Verb::Up => up::quickstart(progress, &up::up(progress)?),
        Verb::Down => down::down(progress),
        Verb::Env => {
            progress.say(&format!(
                "export KUBECONFIG={}\nexport PATH=$PATH:{}",
                paths::kubeconfig().display(),
                bin().display()
            ));
            Ok(())
        }
        Verb::ControlPlane => control_plane(progress),
    }
}

fn control_plane(progress: &Progress) -> Result<()> {
    let plane = ControlPlane::start()?;
    progress.say(&format!(
        "ready after {}\nexport KUBECONFIG={}\nEnter ends it",
        progress.total(),
        plane.kubeconfig().display()
    ));
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
