//! What all scenarios of one run use: the machine's cluster, or a control plane alone where pods cannot run.

use anyhow::Result;
use builder::progress::Progress;
use cluster::{
    down, preflight, processes,
    up::{self, Running},
};
use control_plane::{ControlPlane, kubectl::Kubectl};

#[derive(Debug)]
pub enum Environment {
    /// Everything runs. `lent`: it ran before the scenarios and goes on after them.
    Cluster { running: Box<Running>, lent: bool },
    /// No pods can run here, and why.
    Api { plane: ControlPlane, lack: String },
}

impl Environment {
    /// Brings up what this machine allows. A cluster that runs already is brought up to date and used.
    pub fn prepare() -> Result<Self> {
        let progress = Progress::begin();
        let lent = processes::node_runs();
        if let Some(lack) = preflight::no_pods().filter(|_| !lent) {
            progress.say(&format!(
                "{lack}: scenarios about pods are left out, the others use a control plane alone"
            ));
            return Ok(Self::Api {
                plane: ControlPlane::start()?,
                lack,
            });
        }
        match up::up(&progress) {
            Ok(running) => Ok(Self::Cluster {
                running: Box::new(running),
                lent,
            }),
            Err(error) if lent => Err(error),
            Err(error) => match down::down(&progress) {
                Ok(()) => Err(error),
                Err(left) => Err(error.context(format!("and it could not be ended: {left:#}"))),
            },
        }
    }

    /// The cluster, or why there is none.
    pub fn running(&self) -> Result<&Running, &str> {
        match self {
            Self::Cluster { running, .. } => Ok(running),
            Self::Api { lack, .. } => Err(lack),
        }
    }

    pub fn kubectl(&self) -> &Kubectl {
        match self {
            Self::Cluster { running, .. } => &running.kubectl,
            Self::Api { plane, .. } => plane.kubectl(),
        }
    }

    /// Whether the cluster goes on after the scenarios.
    pub fn is_lent(&self) -> bool {
        matches!(self, Self::Cluster { lent: true, .. })
    }

    /// Leaves the machine as it was found.
    pub fn end(self) -> Result<()> {
        match self {
            Self::Cluster { lent: false, .. } => down::down(&Progress::begin()),
            Self::Cluster { .. } | Self::Api { .. } => Ok(()),
        }
    }
}
