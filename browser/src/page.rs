//! What a test does with a page, and what it reads from it.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::driver::Driver;

/// How the browser of a page is set up.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Width and height of the page, in CSS pixels.
    pub viewport: (u32, u32),
    pub color_scheme: ColorScheme,
    /// A screen for fingers, without a mouse.
    pub touch: bool,
    /// JavaScript that runs in every page before its own scripts.
    pub init_script: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorScheme {
    Light,
    Dark,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            viewport: (1280, 800),
            color_scheme: ColorScheme::Light,
            touch: false,
            init_script: None,
        }
    }
}

/// A message as a person sees it on the chat page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Message {
    /// `user`, `ai` or `system`.
    pub sender: String,
    pub text: String,
    /// More of it is being written.
    pub busy: bool,
}

/// A rule of accessibility that the page breaks.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Violation {
    pub rule: String,
    pub help: String,
    /// CSS selectors of the elements that break it.
    pub elements: Vec<String>,
}

/// A tab of the browser. Dropping it closes the tab.
#[derive(Debug)]
pub struct Page {
    driver: Arc<Driver>,
    id: u64,
}

impl Page {
    pub(crate) fn new(driver: Arc<Driver>, profile: &Profile) -> Result<Self> {
        let id = driver.call("newPage", &json!({"profile": profile}))?;
        let id = id.as_u64().context("the driver opened no page")?;
        Ok(Self { driver, id })
    }

    /// Another tab with the same profile: it shares storage, cookies and network.
    pub fn new_tab(&self) -> Result<Self> {
        let id: u64 = self.read("newTab", json!({}))?;
        Ok(Self {
            driver: Arc::clone(&self.driver),
            id,
        })
    }

    pub fn open(&self, url: &str) -> Result<()> {
        self.act("open", json!({"url": url}))
    }

    pub fn reload(&self) -> Result<()> {
        self.act("reload", json!({}))
    }

    /// The browser's Back button.
    pub fn back(&self) -> Result<()> {
        self.act("back", json!({}))
    }

    /// Writes a message into the composer and presses its button.
    pub fn send(&self, text: &str) -> Result<()> {
        self.act("send", json!({"text": text}))
    }

    /// Replaces the text of a field.
    pub fn fill(&self, selector: &str, text: &str) -> Result<()> {
        self.act("fill", json!({"selector": selector, "text": text}))
    }

    pub fn click(&self, selector: &str) -> Result<()> {
        self.act("click", json!({"selector": selector}))
    }

    /// Chooses an entry of a list by its value.
    pub fn select(&self, selector: &str, value: &str) -> Result<()> {
        self.act("select", json!({"selector": selector, "value": value}))
    }

    /// Presses a key or a chord, such as `Tab` or `Shift+Enter`.
    pub fn press(&self, key: &str) -> Result<()> {
        self.act("press", json!({"key": key}))
    }

    /// Types into the element that has the focus.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.act("type", json!({"text": text}))
    }

    /// Turns the mouse wheel over an element; upwards with a negative distance, in pixels.
    pub fn wheel(&self, selector: &str, distance: i32) -> Result<()> {
        self.act("wheel", json!({"selector": selector, "distance": distance}))
    }

    /// Waits until an element that matches the selector is visible and contains the text.
    pub fn wait_for_text(&self, selector: &str, text: &str) -> Result<()> {
        self.act("wait", json!({"selector": selector, "text": text}))
    }

    /// Waits until an element that matches the selector is visible.
    pub fn wait_for(&self, selector: &str) -> Result<()> {
        self.act("wait", json!({"selector": selector}))
    }

    /// Waits until a JavaScript expression is true.
    pub fn wait_until(&self, expression: &str) -> Result<()> {
        self.act("waitUntil", json!({"expression": expression}))
    }

    /// The value of a JavaScript expression.
    pub fn evaluate<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        self.read("evaluate", json!({"expression": expression}))
    }

    /// Runs JavaScript in the page.
    pub fn run(&self, script: &str) -> Result<()> {
        self.act("evaluate", json!({"expression": script}))
    }

    pub fn count(&self, selector: &str) -> Result<u64> {
        self.read("count", json!({"selector": selector}))
    }

    /// Every message of the chat, in order.
    pub fn transcript(&self) -> Result<Vec<Message>> {
        self.read("transcript", json!({}))
    }

    /// Takes the network away from the page's profile, or gives it back.
    pub fn offline(&self, on: bool) -> Result<()> {
        self.act("offline", json!({"on": on}))
    }

    /// Errors in the console and requests to other hosts since the last call.
    pub fn problems(&self) -> Result<Vec<String>> {
        self.read("problems", json!({}))
    }

    /// Rules of WCAG 2.2 AA and axe's best practices that the page breaks.
    pub fn accessibility(&self) -> Result<Vec<Violation>> {
        self.read("accessibility", json!({}))
    }

    /// Writes a screenshot of the page to a PNG file.
    pub fn screenshot(&self, file: &Path) -> Result<()> {
        self.act("screenshot", json!({"file": file}))
    }

    fn act(&self, op: &str, args: Value) -> Result<()> {
        self.read::<Value>(op, args).map(drop)
    }

    fn read<T: DeserializeOwned>(&self, op: &str, mut args: Value) -> Result<T> {
        args["page"] = self.id.into();
        let value = self.driver.call(op, &args)?;
        serde_json::from_value(value).with_context(|| format!("the result of {op}"))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.act("close", json!({}));
    }
}
