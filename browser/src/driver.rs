//! The Node process that runs Playwright, and the line protocol with it: requests carry an id, replies come in any order.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
};

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::{Value, json};

const ENDED: &str = "the browser's driver ended; its output is above";

#[derive(Debug)]
pub(crate) struct Driver {
    process: Child,
    input: Mutex<Option<ChildStdin>>,
    waiting: Arc<Waiting>,
    ids: AtomicU64,
}

/// Requests without a reply yet, by id; `None` once the driver has ended.
type Waiting = Mutex<Option<HashMap<u64, Sender<Reply>>>>;

#[derive(Debug, Deserialize)]
struct Reply {
    id: u64,
    #[serde(default)]
    ok: Value,
    error: Option<String>,
}

impl Driver {
    pub(crate) fn start(dir: &Path, chromium: &Path) -> Result<Self> {
        let mut process = Command::new("node")
            .arg("main.mjs")
            .arg(chromium)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start node")?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("the driver has no output")?;
        let waiting = Arc::new(Waiting::new(Some(HashMap::new())));
        let replies = Arc::clone(&waiting);
        thread::spawn(move || dispatch(output, &replies));
        Ok(Self {
            process,
            input: Mutex::new(input),
            waiting,
            ids: AtomicU64::new(1),
        })
    }

    /// Runs one operation and waits for its result.
    pub(crate) fn call(&self, op: &str, args: &Value) -> Result<Value> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (send, reply) = channel();
        lock(&self.waiting)
            .as_mut()
            .context(ENDED)?
            .insert(id, send);
        let request = json!({"id": id, "op": op, "args": args});
        if let Some(input) = lock(&self.input).as_mut() {
            writeln!(input, "{request}").context(ENDED)?;
        }
        let reply = reply.recv().context(ENDED)?;
        match reply.error {
            Some(error) => Err(anyhow!("{op} {args}: {error}")),
            None => Ok(reply.ok),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The end of its input closes the browser in order.
        lock(&self.input).take();
        let _ = self.process.wait();
    }
}

/// Hands each reply to its request, until the driver ends.
fn dispatch(output: ChildStdout, waiting: &Waiting) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let Ok(reply) = serde_json::from_str::<Reply>(&line) else {
            eprintln!("the browser's driver printed: {line}");
            continue;
        };
        let request = lock(waiting)
            .as_mut()
            .and_then(|waiting| waiting.remove(&reply.id));
        if let Some(request) = request {
            let _ = request.send(reply);
        }
    }
    *lock(waiting) = None;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
