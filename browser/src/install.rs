//! What the browser needs on this machine: Debian's Chromium, and the driver's npm packages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use builder::{
    packages::{self, Package},
    page,
    progress::Meter,
};

const CHROMIUM: Package = ("chromium", "chromium");

/// Why no browser can be started here, or nothing when [`crate::Browser::start`] should succeed.
pub fn obstacle() -> Option<String> {
    for program in ["node", "npm"] {
        if packages::find(program).is_none() {
            return Some(format!("{program} is not installed"));
        }
    }
    let is_installable = packages::is_root() && packages::find("apt-get").is_some();
    (!packages::missing(&[CHROMIUM]).is_empty() && !is_installable)
        .then(|| "chromium is not installed, and only root can install it with apt-get".to_owned())
}

/// Chromium's program. Installs the package when it is missing, which needs root.
pub(crate) fn chromium() -> Result<PathBuf> {
    packages::ensure(&[CHROMIUM])?;
    packages::find(CHROMIUM.1).context("apt-get installed no chromium")
}

/// The driver's folder with its npm packages.
pub(crate) fn driver() -> Result<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("driver");
    page::install_node_modules(&dir, &Meter::default())?;
    Ok(dir)
}
