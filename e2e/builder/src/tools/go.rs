//! `go build`, and how far it is.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{
    command::{helper, watch},
    progress::Meter,
};

/// Builds a package of the module in `source` into the folder `out`.
pub(super) fn build(
    source: &Path,
    flags: &[String],
    out: &Path,
    package: &str,
    meter: &Meter,
) -> Result<()> {
    let mut downloaded = 0;
    let packages = watch(
        go(source, "list").arg("-deps").args(flags).arg(package),
        |line| {
            let is_download = line.starts_with(DOWNLOAD);
            downloaded += u32::from(is_download);
            if is_download {
                meter.set(format!("{downloaded} modules downloaded"));
            }
            is_download
        },
    )?;
    let total = packages.lines().count();
    let mut compiled = 0;
    meter.set(format!("0 of {total} packages compiled"));
    let mut build = go(source, "build");
    build.arg("-v").args(flags);
    build
        .arg("-o")
        .arg(format!("{}/", out.display()))
        .arg(package);
    watch(&mut build, |line| {
        // `-v` names each package as it is compiled, and none that lies in Go's own cache.
        let is_package = !line.contains(char::is_whitespace);
        compiled += usize::from(is_package);
        if is_package {
            meter.set(format!("{compiled} of {total} packages compiled"));
        }
        is_package
    })
    .map(drop)
}

/// How `go` begins the line that names a module which it fetches.
const DOWNLOAD: &str = "go: downloading ";

fn go(source: &Path, verb: &str) -> Command {
    let mut go = helper("go");
    go.current_dir(source).env("CGO_ENABLED", "0").arg(verb);
    go
}
