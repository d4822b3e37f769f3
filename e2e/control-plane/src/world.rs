//! A namespace of one test, and what is asked of it.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::kubectl::Kubectl;

/// How long a test waits for something to become true.
const TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);

/// One test's part of a cluster: a namespace of its own, which goes when the test ends.
#[derive(Debug)]
pub struct World<'a> {
    cluster: &'a Kubectl,
    namespace: String,
}

impl<'a> World<'a> {
    /// Makes a namespace whose name begins with that of the test.
    pub fn new(cluster: &'a Kubectl, test: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("{test}-{}-{count}", std::process::id());
        cluster.run(&["create", "namespace", &namespace])?;
        Ok(Self { cluster, namespace })
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The whole cluster, for tests that look beyond their namespace.
    pub fn cluster(&self) -> &Kubectl {
        self.cluster
    }

    /// kubectl in the test's namespace.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.cluster()
            .run(&[&["--namespace", &self.namespace], args].concat())
    }

    /// Applies a document to the test's namespace as a user would.
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

    /// Asks again until `ready` has an answer. The error repeats what was in the namespace at the end.
    pub fn wait_for<T>(
        &self,
        what: &str,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < TIMEOUT {
            match ready() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => last = None,
                // An API server that is asked at a bad moment is asked again.
                Err(error) => last = Some(error),
            }
            thread::sleep(POLL);
        }
        let mut report = format!("{what}: not within {} s", TIMEOUT.as_secs());
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
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // The cluster takes its time to empty a namespace, and no other test looks into this one.
        self.cluster()
            .succeeds(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}
