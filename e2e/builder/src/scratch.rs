//! A folder for one run, which goes with it.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

use crate::paths;

/// A folder below cargo's that only its owner reads. Dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    /// Makes a folder of this kind. Those of processes that were killed are removed first.
    pub fn new(kind: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let base = paths::cargo_target().join(kind);
        fs::create_dir_all(&base)?;
        remove_abandoned(&base)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = base.join(format!("{}-{count}", process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self { dir })
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is removed by the next run.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The name of a folder begins with the id of its process.
fn remove_abandoned(base: &Path) -> Result<()> {
    for entry in fs::read_dir(base)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_when_dropped_and_takes_the_abandoned_along() {
        let kind = format!("scratch-test-{}", process::id());
        let base = paths::cargo_target().join(&kind);
        // No process has this id: it is above the limit of the kernel.
        let abandoned = base.join("4194305-0");
        fs::create_dir_all(&abandoned).unwrap();
        let (one, two) = (Scratch::new(&kind).unwrap(), Scratch::new(&kind).unwrap());
        assert!(!abandoned.exists() && one.path() != two.path());
        let (path, other) = (one.path().to_owned(), two.path().to_owned());
        drop(one);
        assert!(!path.exists() && other.exists());
        drop(two);
        fs::remove_dir(base).unwrap();
    }
}
