//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::signal;

use crate::roles::Role;
use crate::rows::{self, Programs};
use crate::scale::Scale;
use crate::table::Row;
use crate::{report, table};

/// Measures the server and the operator against floors in the same minutes.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the table
    Run(Run),
    /// Prints what takes longer: the rows of the operator with 10,000 Chatboxes
    Fleet(Fleet),
    #[command(flatten)]
    Role(Role),
}

#[derive(Debug, Args)]
struct Run {
    /// What is measured [default: everything]
    #[arg(value_enum, hide_default_value = true)]
    groups: Vec<Group>,
    #[command(flatten)]
    built: Built,
    /// File whose table is replaced by the new one
    #[arg(long)]
    write: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Fleet {
    #[command(flatten)]
    built: Built,
}

#[derive(Debug, Args)]
struct Built {
    /// The server [default: beside this program]
    #[arg(long)]
    server: Option<PathBuf>,
    /// The operator [default: beside this program]
    #[arg(long)]
    operator: Option<PathBuf>,
}

/// Rows that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    Start,
    Tokens,
    FirstToken,
    Ack,
    Memory,
    HalfFrames,
    Resuming,
    Operator,
}

/// Does what the command line says, until it is done or interrupted.
pub async fn main() -> ExitCode {
    let done = tokio::select! {
        done = Cli::parse().run() => done,
        // Returning drops what was started and what was written.
        _ = signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    async fn run(self) -> Result<()> {
        match self.command {
            Command::Run(run) => run.run().await,
            Command::Fleet(fleet) => fleet.run().await,
            Command::Role(role) => role.run().await,
        }
    }
}

impl Run {
    async fn run(self) -> Result<()> {
        let groups = if self.groups.is_empty() {
            Group::value_variants()
        } else {
            &self.groups
        };
        let file = self.write.as_deref();
        tell(&self.built.programs()?, groups, &Scale::FULL, file).await
    }
}

impl Fleet {
    async fn run(self) -> Result<()> {
        let programs = self.built.programs()?;
        tell(&programs, &[Group::Operator], &Scale::FLEET, None).await
    }
}

impl Built {
    fn programs(&self) -> Result<Programs> {
        let bench = std::env::current_exe()?;
        let beside = bench.parent().context("this program lies nowhere")?;
        let find = |given: &Option<PathBuf>, name: &str| {
            let path = given.clone().unwrap_or_else(|| beside.join(name));
            if path.exists() {
                return Ok(path);
            }
            bail!("{} does not exist; build it first", path.display())
        };
        Ok(Programs {
            server: find(&self.server, "chatbox")?,
            operator: find(&self.operator, "chatbox-operator")?,
            images: images()?,
            scratch: beside.to_owned(),
            bench: bench.clone(),
        })
    }
}

/// Where `make images` writes.
fn images() -> Result<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let checkout = checkout.context("this crate is two folders deep")?;
    Ok(checkout.join("target/cluster/images"))
}

/// Measures, prints the table, and puts it into `file`.
async fn tell(
    programs: &Programs,
    groups: &[Group],
    scale: &Scale,
    file: Option<&Path>,
) -> Result<()> {
    let (rows, failures) = measure(programs, groups, scale).await;
    let table = report::document(&table::markdown(&rows))?;
    writeln!(std::io::stdout(), "{table}")?;
    if let Some(file) = file {
        report::write(file, &table)?;
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("not measured:\n{}", failures.join("\n"))
}

/// The rows of these groups, and why some are missing.
pub async fn measure(
    programs: &Programs,
    groups: &[Group],
    scale: &Scale,
) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for group in groups {
        let begun = Instant::now();
        let measured = group.measure(programs, scale).await;
        let seconds = begun.elapsed().as_secs();
        eprintln!("measured: {group:?} in {seconds} s");
        match measured {
            Ok(measured) => rows.extend(measured),
            Err(error) => failures.push(format!("{group:?}: {error:#}")),
        }
    }
    (rows, failures)
}

impl Group {
    async fn measure(self, programs: &Programs, scale: &Scale) -> Result<Vec<Row>> {
        match self {
            Self::Start => rows::start::measure(programs, scale).await,
            Self::Tokens => rows::tokens::measure(programs, scale).await,
            Self::FirstToken => rows::first_token::measure(programs, scale).await,
            Self::Ack => rows::ack::measure(programs, scale).await,
            Self::Memory => rows::memory::measure(programs, scale).await,
            Self::HalfFrames => rows::half_frames::measure(programs, scale).await,
            Self::Resuming => rows::resuming::measure(programs, scale).await,
            Self::Operator => rows::operator::measure(programs, scale).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_role_is_started_as_it_is_parsed() {
        for role in [
            Role::Provider,
            Role::Relay {
                provider: "http://127.0.0.1:1/x".to_owned(),
            },
            Role::Bare {
                read_buffer_bytes: 7,
            },
        ] {
            let line = std::iter::once("bench".to_owned()).chain(role.args());
            let parsed = Cli::try_parse_from(line).unwrap();
            let Command::Role(parsed) = parsed.command else {
                panic!("{role:?} is parsed as something else");
            };
            assert_eq!(format!("{parsed:?}"), format!("{role:?}"));
        }
    }

    #[test]
    fn groups_and_programs_can_be_named() {
        let line = ["bench", "run", "ack", "first-token", "--server=/s"];
        let Command::Run(run) = Cli::try_parse_from(line).unwrap().command else {
            panic!("run is parsed as something else");
        };
        assert_eq!(run.groups, [Group::Ack, Group::FirstToken]);
        assert_eq!(run.built.server.as_deref(), Some(Path::new("/s")));
    }
}
