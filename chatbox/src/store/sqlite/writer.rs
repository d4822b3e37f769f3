//! The one thread that writes. It takes what waits into one transaction, so that a busy server pays for one flush to
//! disk a batch and not one a message; an answer is given only after the commit.

use std::thread;

use anyhow::anyhow;
use rusqlite::{Connection, Savepoint};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// Writes that may wait; a caller beyond that waits to hand in its own.
const QUEUE: usize = 1024;
/// Writes in one transaction: bounds how long the first of them waits for its commit.
const BATCH: usize = 64;

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// Does its write at once; what it returns is called with the outcome of the commit.
type Job = Box<dyn FnOnce(&mut Savepoint<'_>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), String>) + Send>;

impl Writer {
    pub(super) fn start(connection: Connection) -> anyhow::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_all(connection, queue))?;
        Ok(Self { jobs })
    }

    /// Runs `change` in a transaction and returns when that is committed. If `change` fails, only it is undone.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = alone(tx, change);
            Box::new(move |committed| {
                // Nobody listens when the caller has been dropped; the write stands all the same.
                let _ = answer.send(
                    committed
                        .map_err(|cause| anyhow!(cause))
                        .and(result.map_err(Into::into)),
                );
            })
        });
        self.jobs
            .send(job)
            .await
            .map_err(|_| StoreError::new(anyhow!("the writer has ended")))?;
        let result = answered
            .await
            .map_err(|_| StoreError::new(anyhow!("the writer dropped the write")))?;
        result.map_err(StoreError)
    }
}

fn alone<T>(
    tx: &mut Savepoint<'_>,
    change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let nested = tx.savepoint()?;
    let value = change(&nested)?;
    nested.commit()?;
    Ok(value)
}

fn write_all(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let waiting = std::iter::from_fn(|| queue.try_recv().ok());
        let batch = std::iter::once(first).chain(waiting).take(BATCH).collect();
        let (replies, committed) = write_batch(&mut connection, batch);
        for reply in replies {
            reply(committed.clone());
        }
    }
}

fn write_batch(connection: &mut Connection, batch: Vec<Job>) -> (Vec<Reply>, Result<(), String>) {
    // A savepoint outside of a transaction is one, and its jobs may nest their own.
    let mut tx = match connection.savepoint() {
        Ok(tx) => tx,
        Err(cause) => {
            tracing::error!(%cause, "cannot begin to write");
            // Dropping the jobs tells their callers.
            return (Vec::new(), Err(cause.to_string()));
        }
    };
    let mut replies = Vec::new();
    for job in batch {
        replies.push(job(&mut tx));
        if tx.is_autocommit() {
            // A full disk and the like make SQLite undo the whole transaction by itself. What follows would be
            // committed alone, and reported as lost.
            return (replies, Err("the transaction was undone".to_owned()));
        }
    }
    let committed = tx.commit().map_err(|cause| cause.to_string());
    (replies, committed)
}
