//! The page of the chat server.

use std::{fs, path::Path};

use anyhow::Result;

use crate::{
    command::{helper, run},
    fingerprint::Fingerprint,
    paths,
    progress::{Meter, Progress},
};

/// Builds the page unless it is there already.
pub fn build(progress: &Progress) -> Result<()> {
    progress.step("chat page", |meter| {
        let web = paths::checkout().join("chatbox/web");
        let mark = paths::cargo_target().join("page.fingerprint");
        let sources = Fingerprint::of_tree(&web, &["node_modules", "dist"])?;
        if web.join("dist").exists()
            && fs::read_to_string(&mark).is_ok_and(|built| built == sources)
        {
            return Ok(((), "unchanged".into()));
        }
        install_node_modules(&web, meter)?;
        meter.set("npm run build");
        run(helper("npm").args(["run", "build"]).current_dir(&web))?;
        fs::create_dir_all(paths::cargo_target())?;
        fs::write(&mark, sources)?;
        Ok(((), "built".into()))
    })
}

/// `npm ci`, unless the folder already has what the lock file says.
pub fn install_node_modules(dir: &Path, meter: &Meter) -> Result<()> {
    let modified = |name: &str| fs::metadata(dir.join(name)).and_then(|data| data.modified());
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_ok_and(|installed| {
        modified("package-lock.json").is_ok_and(|locked| locked <= installed)
    }) {
        return Ok(());
    }
    meter.set("npm ci, which reports nothing before its end");
    run(helper("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(dir))
    .map(drop)
}
