//! `cluster down`: leaves no process, mount, interface, rule or socket behind, from any half-started state.

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use builder::progress::Progress;

use crate::{
    node::{HIDDEN, cgroups},
    paths, preflight, processes, state,
};

/// A mount may outlive the last process of its namespace by a moment, and what it covers cannot be removed meanwhile.
const UNMOUNT: Duration = Duration::from_secs(10);

/// Ends the cluster, whoever left it in whatever state.
pub fn down(progress: &Progress) -> Result<()> {
    preflight::check_right("down")?;
    if let Some(checkout) = state::foreign().filter(|checkout| checkout.exists()) {
        bail!(
            "the cluster on this machine belongs to {}; run `make down` there",
            checkout.display()
        );
    }
    let _lock = state::lock()?;
    if !anything_left() {
        progress.say("nothing to do: no cluster runs on this machine");
        return Ok(());
    }
    clean(progress)?;
    progress.say(&format!("down after {}", progress.total()));
    Ok(())
}

/// Takes away whatever is left of a cluster.
pub fn clean(progress: &Progress) -> Result<()> {
    if !anything_left() {
        return Ok(());
    }
    progress.step("node", |_| {
        // Its mounts, interfaces and rules lie in its namespaces, and go with the last of its processes.
        let killed = processes::kill()?;
        Ok(((), format!("{killed} processes ended")))
    })?;
    progress.step("files", |_| {
        cgroups::remove();
        for dir in [paths::RUN, paths::DATA] {
            remove(Path::new(dir))?;
        }
        for dir in HIDDEN {
            // The node needs them to be there; the kernel refuses to remove one that holds anything.
            let _ = fs::remove_dir(dir);
        }
        let _ = fs::remove_file(paths::kubeconfig());
        Ok(((), "removed".into()))
    })
}

fn anything_left() -> bool {
    let dirs = [paths::RUN, paths::DATA];
    dirs.iter().any(|dir| Path::new(dir).exists()) || processes::any()
}

fn remove(dir: &Path) -> Result<()> {
    let begun = Instant::now();
    loop {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if begun.elapsed() > UNMOUNT => {
                bail!("cannot remove {}: {error}", dir.display())
            }
            Ok(()) => return Ok(()),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}
