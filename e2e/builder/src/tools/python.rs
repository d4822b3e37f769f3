//! Programs from Python packages, which are installed as they are published.

use std::{fs, path::Path};

use anyhow::Result;

use crate::{command::helper, command::run, packages};

/// Installs what `requirements` pins, by its digests, into the folder `out`.
pub(super) fn install(requirements: &Path, out: &Path) -> Result<()> {
    packages::ensure(&[("python3", "python3")])?;
    if run(helper("python3").args(["-m", "pip", "--version"])).is_err() {
        packages::install(vec!["python3-pip"])?;
    }
    fs::create_dir_all(out)?;
    run(helper("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--no-deps", "--require-hashes", "--target"])
        .arg(out)
        .arg("--requirement")
        .arg(requirements))?;
    Ok(())
}
