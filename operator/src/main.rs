//! The program's entry.

use std::process::ExitCode;

use chatbox_operator::args::{Cli, Command};
use chatbox_operator::{rbac, render, run};
use clap::Parser;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        Command::Crd => print(render::yaml(&crds::chatbox::crd())),
        Command::Rbac => print(render::yaml(&rbac::cluster_role())),
        Command::Render(args) => render::files(&args).and_then(|text| print(Ok(text))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: anyhow::Result<String>) -> anyhow::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(text?.as_bytes())?;
    Ok(())
}
