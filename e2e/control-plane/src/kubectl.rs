//! The API server, spoken to as a person would.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use builder::command;

/// kubectl with one kubeconfig.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    pub fn new(program: &Path, kubeconfig: &Path) -> Self {
        Self {
            program: program.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
        }
    }

    /// A kubectl command that is not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command::helper(&self.program);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(args);
        command
    }

    /// Runs kubectl and returns what it printed.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        command::run(&mut self.command(args))
    }

    /// Runs kubectl with a document on its standard input, for `-f -`.
    pub fn feed(&self, args: &[&str], input: &str) -> Result<String> {
        command::feed(&mut self.command(args), input)
    }

    /// Reads one object or list; nothing when it does not exist.
    pub fn get(&self, args: &[&str]) -> Result<Option<Value>> {
        let words = [&["get", "-o", "json", "--ignore-not-found"], args].concat();
        let text = self.run(&words)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("kubectl get {} printed no JSON", args.join(" ")))
    }

    pub fn succeeds(&self, args: &[&str]) -> bool {
        command::succeeds(&mut self.command(args))
    }

    /// Whether the API server answers and is done with its own start.
    pub fn api_is_ready(&self) -> bool {
        self.succeeds(&["get", "--raw=/readyz", "--request-timeout=2s"])
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}
