//! Our own programs, built by cargo.

use std::{env, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    command::{helper, watch},
    paths,
    progress::{Meter, Progress},
};

/// Builds both programs as they go into images, optimised and static. Returns the folder that they lie in.
pub fn release(meter: &Meter) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    // Another folder than that of daily work, whose builds would be thrown away by other flags.
    let dir = paths::cargo_target().join("image");
    let flags = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        target.to_uppercase().replace('-', "_")
    );
    let mut cargo = cargo();
    // Set in the environment, RUSTFLAGS would replace the flags below.
    cargo
        .env_remove("RUSTFLAGS")
        .env(flags, "-Ctarget-feature=+crt-static");
    cargo.args([
        "--release",
        "--package=chatbox",
        "--package=chatbox-operator",
    ]);
    cargo
        .arg(format!("--target={target}"))
        .arg("--target-dir")
        .arg(&dir);
    build(cargo, meter)?;
    Ok(dir.join(target).join("release"))
}

/// Builds a program of this repository as daily work does, fast to compile.
///
/// Alone: with the features of the whole workspace it would take the operator's dependencies along, which are twice as
/// many.
pub fn debug(progress: &Progress, step: &str, program: &str) -> Result<()> {
    progress.step(step, |meter| {
        let mut cargo = cargo();
        cargo.arg(format!("--package={program}"));
        build(cargo, meter)?;
        Ok(((), "built".into()))
    })
}

fn cargo() -> Command {
    let mut cargo = helper(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(paths::checkout())
        .args(["build", "--locked"]);
    cargo
}

fn build(mut cargo: Command, meter: &Meter) -> Result<()> {
    // Only the progress bar has the total, and by default cargo draws it on terminals alone.
    cargo
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "100")
        .env("CARGO_TERM_COLOR", "never");
    watch(&mut cargo, |line| {
        let Some(Bar { done, total, now }) = Bar::parse(line) else {
            return false;
        };
        meter.set(format!("{done} of {total} crates compiled, now {now}"));
        true
    })
    .map(drop)
}

/// Cargo's progress bar: `    Building [====>      ] 12/345: serde, syn`.
#[derive(Debug, Eq, PartialEq)]
struct Bar<'a> {
    done: u32,
    total: u32,
    /// The crates that are being compiled, as far as the bar has room for them.
    now: &'a str,
}

impl<'a> Bar<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (_, rest) = line.split_once("Building [")?;
        let (_, rest) = rest.split_once("] ")?;
        let (counts, now) = rest.split_once(": ")?;
        let (done, total) = counts.split_once('/')?;
        Some(Self {
            done: done.trim().parse().ok()?,
            total: total.trim().parse().ok()?,
            now: now.trim(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_bar_of_cargo() {
        let bar = |done, total, now| Some(Bar { done, total, now });
        for (line, expected) in [
            (
                "    Building [=====>      ] 12/345: serde, syn(build)",
                bar(12, 345, "serde, syn(build)"),
            ),
            (
                "\u{1b}[K    Building [            ] 0/2: a   ",
                bar(0, 2, "a"),
            ),
            ("   Compiling serde v1.0.229", None),
            ("error: Building [x] y", None),
        ] {
            assert_eq!(Bar::parse(line), expected, "{line:?}");
        }
    }
}
