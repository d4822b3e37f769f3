//! A database file: for one process. Write-ahead log, one writer thread, a few readers.

mod change;
mod damage;
mod error;
mod meta;
mod private;
mod read;
mod rows;
mod schema;
mod write;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use self::damage::Damage;
use self::writer::{Durability, Writer};
use super::{
    Abandoned, Answer, Appended, Cancel, Claim, ErrorKind, Judged, Kept, ModelChoice, NewRun,
    OutboxEntry, Page, Question, Regenerate, Store, StoreError,
};
use crate::chat::{DigestKey, Message, MessageId, Run, RunId, Session, SessionId};

/// Readers at the same time. More would only compete for the same disk.
const READERS: usize = 4;

/// The checkpoints of so long share a commit.
const CHECKPOINT_PERIOD: Duration = Duration::from_millis(100);

/// Name of the database below the data directory.
const FILE: &str = "chatbox.db";

/// Sessions, messages and runs in one file.
pub struct Sqlite {
    path: PathBuf,
    writer: Writer,
    damage: Damage,
    opened: Instant,
    /// Idle read connections, as many as `permits` lets run.
    readers: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// Held for the life of the process: two processes on one file would answer each question twice.
    _lock: File,
}

impl Sqlite {
    /// Opens the database below `dir`, and makes or migrates it.
    ///
    /// # Errors
    /// When the directory cannot be written, another process holds it, or a newer release wrote the file.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        private::directory(dir)
            .with_context(|| format!("cannot create the data directory {}", dir.display()))?;
        let lock = lock(&dir.join("lock"))?;
        let path = dir.join(FILE);
        private::database(&path)
            .with_context(|| format!("cannot create the database {}", path.display()))?;
        let mut connection = Connection::open(&path)
            .with_context(|| format!("cannot open the database {}", path.display()))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // An acknowledged message must survive a power cut, so every commit reaches the disk.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        schema::migrate(&mut connection)?;
        write::end_leases(&connection)?;
        let damage = Damage::default();
        // All of them now: where no file can be opened any more, as in a flood of connections, the store still works.
        let readers: Vec<_> = (0..READERS)
            .map(|_| open_reader(&path))
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            path,
            writer: Writer::start(connection, damage.clone())?,
            damage,
            opened: Instant::now(),
            readers: Arc::new(Mutex::new(readers)),
            permits: Arc::new(Semaphore::new(READERS)),
            _lock: lock,
        })
    }

    /// Waits until checkpoints are written. Those of many runs come at any moment, and each alone would cost a commit.
    async fn next_checkpoint(&self) {
        let period = CHECKPOINT_PERIOD.as_nanos();
        let into = self.opened.elapsed().as_nanos() % period;
        let left = u64::try_from(period - into).unwrap_or_default();
        tokio::time::sleep(Duration::from_nanos(left)).await;
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let written = self.writer.call(Durability::Disk, change).await;
        self.damage.note(written)
    }

    /// The same without a flush to disk of its own: of what was half said, a machine that loses power may lose more.
    async fn write_through<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let written = self.writer.call(Durability::Process, change).await;
        self.damage.note(written)
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let broken = |cause: anyhow::Error| StoreError::new(ErrorKind::Permanent, cause);
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|closed| broken(closed.into()))?;
        let (readers, path) = (Arc::clone(&self.readers), self.path.clone());
        let run = move || -> Result<T, StoreError> {
            let _permit = permit;
            let idle = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                // A query that panicked took its connection with it.
                None => open_reader(&path)
                    .map_err(|cause| StoreError::new(ErrorKind::Unavailable, cause))?,
            };
            let result = query(&connection);
            readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            Ok(result?)
        };
        let done = tokio::task::spawn_blocking(run)
            .await
            .map_err(|panicked: tokio::task::JoinError| broken(panicked.into()))?;
        self.damage.note(done)
    }
}

/// Opens the file and its log, which SQLite does at the first query.
fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    Ok(connection)
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = private::file(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.try_lock().with_context(|| {
        format!(
            "another chat server uses the data directory: {} is locked",
            path.display()
        )
    })?;
    Ok(file)
}

#[async_trait]
impl Store for Sqlite {
    async fn append(&self, question: Question) -> Result<Appended, StoreError> {
        self.write(move |tx| write::append(tx, &question)).await
    }

    async fn choose_model(&self, choice: ModelChoice) -> Result<Judged<()>, StoreError> {
        self.write(move |tx| change::choose_model(tx, &choice))
            .await
    }

    async fn regenerate(
        &self,
        request: Regenerate,
    ) -> Result<Judged<Option<Box<Claim>>>, StoreError> {
        self.write(move |tx| change::regenerate(tx, &request)).await
    }

    async fn cancel(&self, request: Cancel) -> Result<Judged<Option<RunId>>, StoreError> {
        self.write(move |tx| change::cancel(tx, &request)).await
    }

    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError> {
        let session = session.clone();
        self.write(move |tx| write::claim(tx, &session, &run)).await
    }

    async fn begin_answer(&self, run: &Run, text: String) -> Result<bool, StoreError> {
        let run = run.clone();
        self.write_through(move |tx| write::begin_answer(tx, &run, &text))
            .await
    }

    async fn checkpoint(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError> {
        self.next_checkpoint().await;
        let (run, lease) = (run.clone(), lease.as_microsecond());
        self.write_through(move |tx| write::checkpoint(tx, &run, text.as_deref(), lease))
            .await
    }

    async fn finish(
        &self,
        run: &Run,
        answer: Answer,
        outbox: Vec<OutboxEntry>,
    ) -> Result<Option<Message>, StoreError> {
        let run = run.clone();
        self.write(move |tx| write::finish(tx, &run, &answer, &outbox))
            .await
    }

    async fn abandoned(&self, now: Timestamp, limit: usize) -> Result<Vec<Abandoned>, StoreError> {
        self.read(move |connection| read::abandoned(connection, now.as_microsecond(), limit))
            .await
    }

    async fn take_over(
        &self,
        run: &Run,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let run = run.clone();
        self.write(move |tx| write::take_over(tx, &run, &new, now.as_microsecond()))
            .await
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        self.read(move |connection| read::waiting(connection, limit))
            .await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let id = id.clone();
        self.read(move |connection| read::session(connection, &id))
            .await
    }

    async fn sessions(&self, user: &str, limit: usize) -> Result<Vec<Session>, StoreError> {
        let user = user.to_owned();
        self.read(move |connection| read::sessions(connection, &user, limit))
            .await
    }

    async fn messages_after(
        &self,
        id: &SessionId,
        after: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let id = id.clone();
        self.read(move |connection| read::messages_after(connection, &id, after, page))
            .await
    }

    async fn messages_before(
        &self,
        id: &SessionId,
        before: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let id = id.clone();
        self.read(move |connection| read::messages_before(connection, &id, before, page))
            .await
    }

    async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.read(move |connection| read::outbox(connection, limit))
            .await
    }

    async fn remove_from_outbox(&self, id: MessageId) -> Result<(), StoreError> {
        self.write(move |tx| write::remove_from_outbox(tx, id))
            .await
    }

    async fn digest_key(&self, proposed: DigestKey) -> Result<DigestKey, StoreError> {
        self.write(move |tx| meta::digest_key(tx, proposed)).await
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))
            .await
    }

    async fn lost(&self) -> StoreError {
        self.damage.wait().await
    }
}
