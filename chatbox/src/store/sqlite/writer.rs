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

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// What a change survives when it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// A power cut: the commit reaches the disk.
    Disk,
    /// The end of the process: the commit reaches the operating system, and the disk with the next one that must.
    Process,
}

/// A change that waits.
struct Job {
    durability: Durability,
    change: Change,
}

/// Does its write at once, or learns that there is no transaction; what it returns is called with the outcome of the
/// commit.
type Change = Box<dyn FnOnce(Result<&Connection, NotCommitted>) -> Reply + Send>;
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
        durability: Durability,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let change: Change = Box::new(move |tx| {
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
        let job = Job { durability, change };
        self.jobs.send(job).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

pub(super) fn ended() -> StoreError {
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
    // As the connection was opened.
    let mut durability = Durability::Disk;
    while let Some(first) = queue.blocking_recv() {
        let waiting = std::iter::from_fn(|| queue.try_recv().ok());
        let batch: Vec<_> = std::iter::once(first).chain(waiting).take(BATCH).collect();
        let needed = needed(&batch);
        let is_set = needed == durability || set(connection, needed).is_ok();
        if is_set {
            durability = needed;
        }
        let (replies, committed) = if is_set {
            write_batch(connection, batch)
        } else {
            let cause = NotCommitted {
                kind: ErrorKind::Unavailable,
                cause: "the durability of the commit cannot be set".to_owned(),
            };
            (reject(batch, &cause), Err(cause))
        };
        for reply in replies {
            reply(committed.clone());
        }
    }
}

/// What all of a batch needs: one flush serves them all.
fn needed(batch: &[Job]) -> Durability {
    let needs_disk = |job: &Job| job.durability == Durability::Disk;
    if batch.iter().any(needs_disk) {
        Durability::Disk
    } else {
        Durability::Process
    }
}

/// In the write-ahead log, a commit that is not flushed is lost at most; nothing is damaged by it.
fn set(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Disk => "full",
        Durability::Process => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)
}

fn write_batch(connection: &Connection, batch: Vec<Job>) -> (Vec<Reply>, Result<(), NotCommitted>) {
    if let Err(cause) = run(connection, "BEGIN IMMEDIATE") {
        let cause = NotCommitted::from(cause);
        return (reject(batch, &cause), Err(cause));
    }
    let mut replies = Vec::with_capacity(batch.len());
    let mut jobs = batch.into_iter();
    while let Some(job) = jobs.next() {
        replies.push((job.change)(Ok(connection)));
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
        .map(|job| (job.change)(Err(cause.clone())))
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
            writer.call(Durability::Disk, insert(1)),
            writer.call(Durability::Disk, insert(1)),
            writer.call(Durability::Disk, insert(2))
        );
        assert_eq!((first.unwrap(), third.unwrap()), (1, 1));
        assert_eq!(second.unwrap_err().kind(), ErrorKind::Permanent);
    }

    #[tokio::test]
    async fn a_commit_is_flushed_unless_nothing_in_it_must_survive_a_power_cut() {
        let (writer, _damage, _home) = writer();
        let synchronous = |tx: &Connection| -> rusqlite::Result<i64> {
            tx.pragma_query_value(None, "synchronous", |row| row.get(0))
        };
        let (full, normal) = (2, 1);
        for (durability, expected) in [
            (Durability::Disk, full),
            (Durability::Process, normal),
            (Durability::Process, normal),
            (Durability::Disk, full),
        ] {
            let found = writer.call(durability, synchronous).await.unwrap();
            assert_eq!(found, expected, "{durability:?}");
        }
        // While one holds the writer up, those behind it become one batch.
        let (go_on, held) = std::sync::mpsc::channel::<()>();
        let (running, is_running) = oneshot::channel();
        let holds = writer.call(Durability::Process, move |_| {
            let _ = (running.send(()), held.recv());
            Ok(())
        });
        let (_, (mixed, with_it)) = tokio::join!(holds, async {
            is_running.await.unwrap();
            let (mixed, with_it, ()) = tokio::join!(
                writer.call(Durability::Process, synchronous),
                writer.call(Durability::Disk, synchronous),
                async { drop(go_on) }
            );
            (mixed, with_it)
        });
        assert_eq!((mixed.unwrap(), with_it.unwrap()), (full, full));
    }

    #[tokio::test]
    async fn the_end_of_the_thread_is_damage() {
        let (writer, damage, _home) = writer();
        let dropped = writer
            .call(Durability::Disk, |_| -> rusqlite::Result<()> {
                panic!("a bug in a change")
            })
            .await;
        assert_eq!(dropped.unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(damage.wait().await.kind(), ErrorKind::Lost);
        assert_eq!(
            writer
                .call(Durability::Disk, insert(1))
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::Lost
        );
    }
}
