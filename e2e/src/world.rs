//! What a story stands on: the machine's cluster, or a control plane alone.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    ControlPlane, down, install,
    kubectl::Kubectl,
    preflight, process,
    progress::Progress,
    up::{self, Running},
};

/// How long a story waits for something to become true.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);

/// What a story needs to be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// The API server and the controllers.
    Api,
    /// A node that runs pods, with the operator in it.
    Pods,
}

/// The ground of all stories of one run.
#[derive(Debug)]
pub enum Ground {
    /// Everything runs. `lent`: it ran before the stories and goes on after them.
    Cluster { running: Box<Running>, lent: bool },
    /// No pods can run here, and why.
    Api { plane: ControlPlane, lack: String },
}

impl Ground {
    /// Brings up what this machine allows. A cluster that runs already is brought up to date and used.
    pub fn prepare() -> Result<Self> {
        let progress = Progress::begin();
        let lent = process::runs("kubelet");
        if let Some(lack) = preflight::no_pods().filter(|_| !lent) {
            progress.say(&format!(
                "{lack}: stories about pods are left out, the others use a control plane alone"
            ));
            return Self::alone(lack);
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

    /// A control plane alone. `lack` is why pods cannot run, or need not.
    pub fn alone(lack: impl Into<String>) -> Result<Self> {
        Ok(Self::Api {
            plane: ControlPlane::start()?,
            lack: lack.into(),
        })
    }

    /// Why a story cannot be told here, or nothing when it can.
    pub fn lacks(&self, needs: Needs) -> Option<&str> {
        match self {
            Self::Api { lack, .. } if needs == Needs::Pods => Some(lack),
            Self::Api { .. } | Self::Cluster { .. } => None,
        }
    }

    /// Leaves the machine as it was found.
    pub fn end(self) -> Result<()> {
        match self {
            Self::Cluster { lent: false, .. } => down::down(&Progress::begin()),
            Self::Cluster { .. } | Self::Api { .. } => Ok(()),
        }
    }

    fn kubectl(&self) -> &Kubectl {
        match self {
            Self::Cluster { running, .. } => &running.kubectl,
            Self::Api { plane, .. } => plane.kubectl(),
        }
    }
}

/// One story's place: a namespace of its own, which goes when the story ends.
#[derive(Debug)]
pub struct World<'a> {
    ground: &'a Ground,
    namespace: String,
}

impl<'a> World<'a> {
    pub fn new(ground: &'a Ground, story: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("{story}-{}-{count}", std::process::id());
        ground.kubectl().run(&["create", "namespace", &namespace])?;
        Ok(Self { ground, namespace })
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The whole cluster, for stories that look beyond their namespace.
    pub fn cluster(&self) -> &Kubectl {
        self.ground.kubectl()
    }

    /// The programs, images and tools of the cluster; nothing on a control plane alone.
    pub fn running(&self) -> Option<&Running> {
        match self.ground {
            Ground::Cluster { running, .. } => Some(running),
            Ground::Api { .. } => None,
        }
    }

    /// kubectl in the story's namespace.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.cluster()
            .run(&[&["--namespace", &self.namespace], args].concat())
    }

    /// Applies a document to the story's namespace as a user would.
    pub fn apply(&self, document: &Value) -> Result<String> {
        self.cluster().feed(
            &["--namespace", &self.namespace, "apply", "--filename", "-"],
            &document.to_string(),
        )
    }

    /// Why the API server refuses a document, or an error when it takes it.
    pub fn refusal(&self, document: &Value) -> Result<String> {
        match self.apply(document) {
            Ok(_) => bail!("the API server took what it should refuse: {document}"),
            Err(error) => Ok(format!("{error:#}")),
        }
    }

    /// Reads one object of the namespace; nothing when it does not exist.
    pub fn get(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        self.cluster()
            .get(&["--namespace", &self.namespace, kind, name])
    }

    /// Reads all objects of a kind in the namespace.
    pub fn list(&self, kind: &str) -> Result<Vec<Value>> {
        let list = self
            .cluster()
            .get(&["--namespace", &self.namespace, kind])?;
        Ok(list
            .and_then(|mut list| list["items"].as_array_mut().map(std::mem::take))
            .unwrap_or_default())
    }

    /// Asks again until `ready` has an answer. The error repeats what stood in the namespace at the end.
    pub fn wait_for<T>(
        &self,
        what: &str,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < PATIENCE {
            match ready() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => last = None,
                // An API server that is asked at a bad moment is asked again.
                Err(error) => last = Some(error),
            }
            thread::sleep(POLL);
        }
        let mut report = format!("{what}: not within {} s", PATIENCE.as_secs());
        if let Some(error) = last {
            write!(report, "\nlast error: {error:#}")?;
        }
        for command in [
            &["get", "chatboxes,pods", "--output=wide"][..],
            &["get", "events", "--sort-by=.lastTimestamp"],
        ] {
            write!(report, "\n{}", self.kubectl(command).unwrap_or_default())?;
        }
        bail!(report)
    }

    /// Waits until a Chatbox of the namespace is ready, and returns the address of its page.
    pub fn page(&self, name: &str) -> Result<String> {
        install::ready(
            self.cluster(),
            &json!({"metadata": {"name": name, "namespace": self.namespace}}),
        )?;
        let chatbox = self.wait_for("the Chatbox", || self.get("chatbox", name))?;
        install::page(self.cluster(), &chatbox)
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // The cluster takes its time to empty a namespace, and no other story looks into this one.
        self.cluster()
            .succeeds(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}
