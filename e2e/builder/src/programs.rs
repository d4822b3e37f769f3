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

/// Builds the program behind `make try` as daily work does, fast to compile. Returns it.
///
/// Alone: with the features of the whole workspace it would take the operator's dependencies along, which are twice as
/// many.
pub fn local_server(progress: &Progress) -> Result<PathBuf> {
    progress.step("chat server", |meter| {
        let mut cargo = cargo();
        cargo.args(["--package=local-server"]);
        build(cargo, meter)?;
        let program = paths::cargo_target().join("debug/local-server");
        Ok((program, "built".into()))
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
    // Only the bar tells how much there is to do, and cargo draws it on terminals alone unless it is told to.
    cargo
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "80")
        .env("CARGO_TERM_COLOR", "never");
    watch(&mut cargo, |line| {
        let Some((done, total)) = bar(line) else {
            return false;
        };
        meter.set(format!("{done} of {total} crates compiled"));
        true
    })
    .map(drop)
}

/// The counts in cargo's bar: `    Building [====>      ] 12/345: serde, syn`.
fn bar(line: &str) -> Option<(u32, u32)> {
    let (_, rest) = line.split_once("Building [")?;
    let (_, counts) = rest.split_once("] ")?;
    let (done, total) = counts
        .split_once(':')
        .unwrap_or((counts, ""))
        .0
        .split_once('/')?;
    Some((done.trim().parse().ok()?, total.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_bar_of_cargo() {
        for (line, counts) in [
            (
                "    Building [=====>      ] 12/345: serde, syn(build)",
                Some((12, 345)),
            ),
            ("\u{1b}[K    Building [            ] 0/2", Some((0, 2))),
            ("   Compiling serde v1.0.229", None),
            ("error: Building [x] y", None),
        ] {
            assert_eq!(bar(line), counts, "{line:?}");
        }
    }
}
