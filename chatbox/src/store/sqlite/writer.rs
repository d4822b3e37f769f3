//! The one thread that writes. It takes what waits into one transaction, so that a busy server pays for one flush to
//! disk a batch and not one a message; the reply comes after the commit.

use std::thread;

use anyhow::anyhow;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::damage::Damage;
use super::{ErrorKind, StoreError};

/// Writes that may wait; a caller beyond that waits to hand in its own.
const QUEUE: usize = 1024;
/// Writes in one transaction: bounds how long the first of them waits for its commit.
const BATCH: usize = 64;

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// Does its write at once, or learns that there is no transaction; what it returns is called with the outcome of the
/// commit.
type Job = Box<dyn FnOnce(Result<&Connection, NotCommitted>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Result<(), NotCommitted>) + Send>;

/// Why a batch was not committed. Every caller of the batch gets a copy.
#[derive(Clone)]
struct NotCommitted {
    kind: ErrorKind,
    cause: String,
}

impl From<rusqlite::Error> for NotCommitted {
    fn from(error: rusqlite::Error) -> Self {
        let cause = error.to_string();
        Self {
            kind: StoreError::from(error).kind(),
            cause,
        }
    }
}

impl From<NotCommitted> for StoreError {
    fn from(NotCommitted { kind, cause }: NotCommitted) -> Self {
        Self::new(
            kind,
            anyhow!(cause).context("the transaction was not committed"),
        )
    }
}

impl Writer {
    /// The end of the thread is damage: without it nothing can be stored.
    pub(super) fn start(connection: Connection, damage: Damage) -> anyhow::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let _guard = EndIsDamage(damage);
                write_all(&connection, queue);
            })?;
        Ok(Self { jobs })
    }

    /// Runs `change` in a transaction and returns when that is committed. If `change` fails, only it is undone.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = match tx {
                Ok(tx) => in_savepoint(tx, change).map_err(StoreError::from),
                Err(cause) => Err(cause.into()),
            };
            Box::new(move |committed: Result<(), NotCommitted>| {
                let result = result.and_then(|value| {
                    committed?;
                    Ok(value)
                });
                // Nobody listens when the caller has been dropped; the write stands all the same.
                let _ = answer.send(result);
            })
        });
        self.jobs.send(job).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

fn ended() -> StoreError {
    StoreError::new(ErrorKind::Lost, anyhow!("the thread that writes has ended"))
}

struct EndIsDamage(Damage);

impl Drop for EndIsDamage {
    fn drop(&mut self) {
        self.0
            .report("the thread that writes to the database ended");
    }
}

/// Runs a change so that only it is undone if it fails.
fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    run(connection, "SAVEPOINT change")?;
    let result = change(connection);
    // Some failures undo the whole transaction, and the savepoint with it.
    if result.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK TO change")?;
    }
    if !connection.is_autocommit() {
        run(connection, "RELEASE change")?;
    }
    result
}

/// The text of these statements is read once, and not for each change.
fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

fn write_all(connection: &Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let waiting = std::iter::from_fn(|| queue.try_recv().ok());
        let batch = std::iter::once(first).chain(waiting).take(BATCH).collect();
        let (replies, committed) = write_batch(connection, batch);
        for reply in replies {
            reply(committed.clone());
        }
    }
}

fn write_batch(connection: &Connection, batch: Vec<Job>) -> (Vec<Reply>, Result<(), NotCommitted>) {
    if let Err(cause) = run(connection, "BEGIN IMMEDIATE") {
        let cause = NotCommitted::from(cause);
        return (reject(batch, &cause), Err(cause));
    }
    let mut replies = Vec::with_capacity(batch.len());
    let mut jobs = batch.into_iter();
    while let Some(job) = jobs.next() {
        replies.push(job(Ok(connection)));
        if connection.is_autocommit() {
            // A full disk and the like make SQLite undo the whole transaction by itself. What follows would be
            // committed alone, and reported as lost.
            let undone = NotCommitted {
                kind: ErrorKind::Unavailable,
                cause: "the transaction was undone".to_owned(),
            };
            replies.extend(reject(jobs, &undone));
            return (replies, Err(undone));
        }
    }
    let committed = run(connection, "COMMIT").map_err(NotCommitted::from);
    if committed.is_err() && !connection.is_autocommit() {
        // A commit that failed leaves its transaction open, and the next one could not begin.
        let _ = run(connection, "ROLLBACK");
    }
    (replies, committed)
}

fn reject(jobs: impl IntoIterator<Item = Job>, cause: &NotCommitted) -> Vec<Reply> {
    jobs.into_iter()
        .map(|job| job(Err(cause.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (Writer, Damage, tempfile::TempDir) {
        let home = tempfile::tempdir().unwrap();
        let connection = Connection::open(home.path().join("db")).unwrap();
        connection
            .execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)")
            .unwrap();
        let damage = Damage::default();
        let writer = Writer::start(connection, damage.clone()).unwrap();
        (writer, damage, home)
    }

    fn insert(n: i64) -> impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send {
        move |tx| tx.execute("INSERT INTO t VALUES (?1)", [n])
    }

    #[tokio::test]
    async fn a_change_that_fails_undoes_itself_alone() {
        let (writer, _damage, _home) = writer();
        let (first, second, third) = tokio::join!(
            writer.call(insert(1)),
            writer.call(insert(1)),
            writer.call(insert(2))
        );
        assert_eq!((first.unwrap(), third.unwrap()), (1, 1));
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Permanent);
    }

    #[tokio::test]
    async fn the_end_of_the_thread_is_damage() {
        let (writer, damage, _home) = writer();
        let dropped = writer
            .call(|_| -> rusqlite::Result<()> { panic!("a bug in a change") })
            .await;
        assert_eq!(dropped.unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(damage.wait().await.kind(), ErrorKind::Lost);
        assert_eq!(
            writer.call(insert(1)).await.unwrap_err().kind(),
            ErrorKind::Lost
        );
    }
}
