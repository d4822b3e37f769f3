//! Keeps what a run has produced, and its lease, beside the stream: a word must not wait for the disk.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use backon::Retryable;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Turns;
use super::run::retry_policy;
use super::stop::Stop;
use crate::chat::Run;
use crate::store::{Kept, Store, StoreError};

/// How often a run renews its lease, at least: three times within it.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);
/// What a run has produced is kept when it begins, and again after so long or so much.
const KEEP_EVERY: Duration = Duration::from_secs(1);
const KEEP_BYTES: usize = 2048;
/// A checkpoint holds all of the text: of a long one a larger part must have come since the last.
const KEEP_PART: usize = 8;

pub(super) struct Checkpoints<'a> {
    turns: &'a Turns,
    run: &'a Run,
    /// Ends the run when it has lost its session, or its user has stopped it through another process.
    stop: Stop,
    due: Instant,
    /// Bytes of the newest checkpoint that was stored.
    kept: Arc<AtomicUsize>,
    /// At most one is under way, so that they neither pile up nor overtake each other.
    under_way: Option<JoinHandle<()>>,
}

impl<'a> Checkpoints<'a> {
    pub(super) fn new(turns: &'a Turns, run: &'a Run, stop: Stop) -> Self {
        Self {
            turns,
            run,
            stop,
            due: Instant::now() + KEEP_EVERY,
            kept: Arc::default(),
            under_way: None,
        }
    }

    /// Keeps the first words, before anybody sees them: a run that was seen is not started again, in other words.
    /// False: the session is somebody else's.
    pub(super) async fn begin(&mut self, text: &str) -> Result<bool, StoreError> {
        let (store, run) = (&self.turns.deps().store, self.run);
        let is_kept = (|| store.begin_answer(run, text.to_owned()))
            .retry(retry_policy())
            .when(StoreError::is_retryable)
            .notify(|error, delay| {
                tracing::warn!(run.id = %run.id, ?delay, cause = format!("{:#}", error.cause()), "cannot begin an answer yet");
            })
            .await?;
        self.kept.store(text.len(), Relaxed);
        self.due = Instant::now() + KEEP_EVERY;
        Ok(is_kept)
    }

    /// The answer has grown to `text`.
    pub(super) fn grown(&mut self, text: &str) {
        if has_grown(self.kept.load(Relaxed), text.len()) || Instant::now() >= self.due {
            self.keep(text);
        }
    }

    /// Time has passed: the lease must move, and what came last may not have been kept.
    pub(super) fn renew(&mut self, text: &str) {
        self.keep(text);
    }

    fn keep(&mut self, text: &str) {
        if self
            .under_way
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        self.due = Instant::now() + KEEP_EVERY;
        let text = (text.len() > self.kept.load(Relaxed)).then(|| text.to_owned());
        let (kept, length) = (Arc::clone(&self.kept), text.as_ref().map(String::len));
        let store = Arc::clone(&self.turns.deps().store);
        let (run, stop, lease) = (self.run.clone(), self.stop.clone(), self.turns.lease());
        self.under_way = Some(tokio::spawn(async move {
            let is_kept = keep(&*store, &run, text, lease.until, &stop).await;
            if let (true, Some(length)) = (is_kept, length) {
                kept.store(length, Relaxed);
            }
        }));
    }
}

impl Drop for Checkpoints<'_> {
    /// The end of the run is stored next; a checkpoint that still waits would only be in its way.
    fn drop(&mut self) {
        if let Some(task) = &self.under_way {
            task.abort();
        }
    }
}

/// Whether so much has come since the last checkpoint that there is another one before its time.
fn has_grown(kept: usize, length: usize) -> bool {
    length >= kept + KEEP_BYTES.max(kept / KEEP_PART)
}

async fn keep(
    store: &dyn Store,
    run: &Run,
    text: Option<String>,
    lease: jiff::Timestamp,
    stop: &Stop,
) -> bool {
    match store.checkpoint(run, text, lease).await {
        Ok(Kept::Kept) => {
            tracing::trace!(run.id = %run.id, "checkpoint kept");
            true
        }
        Ok(Kept::Cancelled) => {
            stop.cancel();
            true
        }
        Ok(Kept::Lost) => {
            // Somebody else took it, or it has just ended by itself.
            tracing::debug!(run.id = %run.id, "the run is not this process's any more");
            stop.interrupt();
            false
        }
        Err(error) => {
            tracing::warn!(run.id = %run.id, cause = format!("{:#}", error.cause()), "cannot keep a checkpoint");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checkpoints_write_is_a_few_times_the_answer() {
        const ANSWER: usize = 4 * 1024 * 1024;
        let (mut kept, mut written) = (0, 0);
        for length in (0..=ANSWER).step_by(50) {
            if has_grown(kept, length) {
                kept = length;
                written += length;
            }
        }
        assert!(
            kept > ANSWER / 10 * 8 && written < 10 * ANSWER,
            "{kept} {written}"
        );
    }
}
