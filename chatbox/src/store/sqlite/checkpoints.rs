//! The checkpoints of many runs: what comes within one period is one change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::writer::{self, Durability, Writer};
use super::{Kept, StoreError, write};
use crate::chat::Run;

/// The checkpoints of so long share a commit. Those of many runs come at any moment, and each alone would cost one.
const PERIOD: Duration = Duration::from_millis(100);
/// Checkpoints in one change: other writes need not wait for those of all runs.
const CHANGE: usize = 64;

#[derive(Clone)]
pub(super) struct Checkpoints {
    writer: Writer,
    opened: Instant,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

struct Waiting {
    checkpoint: write::Checkpoint,
    kept: oneshot::Sender<Result<Kept, StoreError>>,
}

impl Checkpoints {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer,
            opened: Instant::now(),
            waiting: Arc::default(),
        }
    }

    /// Keeps one with the others of its period.
    pub(super) async fn keep(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError> {
        let checkpoint = write::Checkpoint {
            run: run.clone(),
            text,
            lease: lease.as_microsecond(),
        };
        let (kept, is_kept) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Waiting { checkpoint, kept });
            waiting.len() == 1
        };
        if is_first {
            // By a task of its own: the run that came first may end before the others are written.
            tokio::spawn(self.clone().write_waiting());
        }
        is_kept.await.map_err(|_| writer::ended())?
    }

    async fn write_waiting(self) {
        let period = PERIOD.as_nanos();
        let into = self.opened.elapsed().as_nanos() % period;
        let left = u64::try_from(period - into).unwrap_or_default();
        tokio::time::sleep(Duration::from_nanos(left)).await;
        let mut waiting = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        // A run that has ended meanwhile does not wait for its checkpoint any more.
        waiting.retain(|waiting| !waiting.kept.is_closed());
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(CHANGE));
            self.write(std::mem::replace(&mut waiting, rest)).await;
        }
    }

    async fn write(&self, waiting: Vec<Waiting>) {
        let (checkpoints, answers): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|waiting| (waiting.checkpoint, waiting.kept))
            .unzip();
        let change = move |tx: &Connection| -> rusqlite::Result<Vec<Kept>> {
            let each = checkpoints.iter();
            each.map(|checkpoint| write::checkpoint(tx, checkpoint))
                .collect()
        };
        // Without a flush to disk of its own: of what was half said, a machine that loses power may lose more.
        let written = self.writer.call(Durability::Process, change).await;
        for (index, answer) in answers.into_iter().enumerate() {
            let kept = match &written {
                Ok(kept) => Ok(kept[index]),
                Err(error) => Err(StoreError::new(
                    error.kind(),
                    anyhow!("{:#}", error.cause()),
                )),
            };
            // Nobody listens when the run has ended; the write stands all the same.
            let _ = answer.send(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::super::{Damage, schema};
    use super::*;
    use crate::chat::{OwnerId, RunId, SessionId};

    fn run() -> Run {
        Run {
            id: RunId::new(),
            session: SessionId::random(),
            question: 1,
            fence: 1,
            model: "m".to_owned(),
            owner: OwnerId::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_ends_before_its_checkpoint_is_written_holds_up_no_other() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let writer = Writer::start(connection, Damage::default()).unwrap();
        let checkpoints = Checkpoints::new(writer);
        let runs: Vec<_> = (0..=CHANGE + 1).map(|_| run()).collect();
        let mut first = Box::pin(checkpoints.keep(&runs[0], None, Timestamp::UNIX_EPOCH));
        assert!(first.as_mut().now_or_never().is_none());
        let others = runs[1..]
            .iter()
            .map(|run| checkpoints.keep(run, None, Timestamp::UNIX_EPOCH));
        let others = futures_util::future::join_all(others);
        drop(first);
        for kept in others.await {
            assert_eq!(kept.unwrap(), Kept::Lost, "nobody has such a run");
        }
    }
}
