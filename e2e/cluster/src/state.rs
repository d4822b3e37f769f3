//! Whose cluster it is, and from what it was started.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use builder::paths::checkout;

use crate::{paths, processes};

/// Written before anything starts, removed when everything is gone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct State {
    /// The checkout that started the cluster.
    pub checkout: PathBuf,
    /// The cache entries that its programs come from; with other programs the cluster must start anew.
    pub kubernetes: PathBuf,
    pub pause: PathBuf,
}

fn file() -> PathBuf {
    Path::new(paths::RUN).join("state.json")
}

/// The state that lies on this machine, whoever left it.
pub fn read() -> Option<State> {
    serde_json::from_slice(&fs::read(file()).ok()?).ok()
}

pub fn write(state: &State) -> Result<()> {
    fs::create_dir_all(paths::RUN)?;
    fs::write(file(), serde_json::to_vec_pretty(state)?)
        .with_context(|| format!("cannot write {}", file().display()))
}

/// The other checkout whose cluster is alive on this machine.
pub fn foreign() -> Option<PathBuf> {
    let state = read()?;
    (processes::node_runs() && state.checkout != checkout()).then_some(state.checkout)
}

/// Held while a command changes the cluster. Ends with the process, however that ends.
pub fn lock() -> Result<File> {
    let path = Path::new("/run/chatbox-cluster.lock");
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    if file.try_lock().is_err() {
        bail!("another `make up` or `make down` is at work on this machine");
    }
    Ok(file)
}
