//! A real Chromium that a scenario drives.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use builder::{packages, page, paths, progress::Meter};

/// A message as a person sees it on the page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shown {
    /// `user`, `ai` or `system`.
    pub sender: String,
    pub text: String,
    /// Still being written.
    pub busy: bool,
}

/// One page of one browser. Dropping it closes the browser.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Browser {
    /// Starts a browser with an empty page. Installs the driver's only dependency first if it is missing.
    pub fn start() -> Result<Self> {
        packages::ensure(&[("chromium", "chromium")])?;
        let dir = paths::checkout().join("e2e/browser");
        page::install_node_modules(&dir, &Meter::default())?;
        let chromium = packages::find("chromium").context("chromium is not installed")?;
        let mut node = Command::new("node");
        node.arg("driver.mjs")
            .arg(chromium)
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut driver = node.spawn().context("cannot start node")?;
        let input = driver.stdin.take();
        let output = driver.stdout.take().context("the driver has no output")?;
        Ok(Self {
            driver,
            input,
            output: BufReader::new(output),
        })
    }

    pub fn open(&mut self, url: &str) -> Result<()> {
        self.ask("open", json!({ "url": url })).map(drop)
    }

    pub fn reload(&mut self) -> Result<()> {
        self.ask("reload", json!({})).map(drop)
    }

    /// Types a message and presses the button.
    pub fn send(&mut self, text: &str) -> Result<()> {
        self.ask("send", json!({ "text": text })).map(drop)
    }

    /// Waits until an element that matches the selector shows the text.
    pub fn wait_for_text(&mut self, selector: &str, text: &str) -> Result<()> {
        self.ask("wait", json!({ "selector": selector, "text": text }))
            .map(drop)
    }

    /// Waits until an element that matches the selector is visible.
    pub fn wait_for(&mut self, selector: &str) -> Result<()> {
        self.ask("wait", json!({ "selector": selector })).map(drop)
    }

    pub fn count(&mut self, selector: &str) -> Result<u64> {
        self.ask("count", json!({ "selector": selector }))?
            .as_u64()
            .context("the driver counted nothing")
    }

    /// Every message on the page, in order.
    pub fn transcript(&mut self) -> Result<Vec<Shown>> {
        Ok(serde_json::from_value(self.ask("transcript", json!({}))?)?)
    }

    /// Takes the network away from the page, or gives it back.
    pub fn offline(&mut self, on: bool) -> Result<()> {
        self.ask("offline", json!({ "on": on })).map(drop)
    }

    /// Errors in the console and requests to foreign hosts since the last time this was asked.
    pub fn problems(&mut self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.ask("problems", json!({}))?)?)
    }

    fn ask(&mut self, op: &str, mut words: Value) -> Result<Value> {
        words["op"] = op.into();
        let input = self.input.as_mut().context("the browser is closed")?;
        writeln!(input, "{words}").context("the browser's driver ended; its output is above")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the browser's driver ended; its output is above");
        }
        let mut answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its input closes the browser in order.
        self.input.take();
        let _ = self.driver.wait();
    }
}
