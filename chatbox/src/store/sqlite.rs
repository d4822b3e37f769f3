//! A database file: for one process. Write-ahead log, one writer thread, a few readers.

mod change;
mod checkpoints;
mod create;
mod damage;
mod error;
mod meta;
mod private;
mod read;
mod rows;
mod schema;
mod takeover;
mod values;
mod write;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use self::checkpoints::Checkpoints;
use self::damage::Damage;
use self::writer::{Durability, Writer};
use super::{
    Abandoned, Answer, Appended, Assign, Assigned, Cancel, Claim, ErrorKind, HelpRequest, Judged,
    Kept, ModelChoice, NewRun, Ongoing, OutboxEntry, Page, Question, Regenerate, Release, Store,
    StoreError, Values,
};
use crate::chat::{DigestKey, Message, MessageId, Run, RunId, Session, SessionId};
use crate::store::values::{Place, Replacement, Value};

/// Readers at the same time. More would only compete for the same disk.
const READERS: usize = 4;

/// Pages of the log that are brought into the file together. Most belong to runs at work, which are written once a second:
/// the longer they wait, the fewer are written twice.
const LOG_PAGES: u32 = 4000;
/// Memory for pages of the writer, in KiB: the runs at work of a busy server, which would be read again for each checkpoint.
const WRITER_CACHE: i32 = 8 * 1024;

/// Name of the database below the data directory.
const FILE: &str = "chatbox.db";

/// Idle read connections.
type Readers = Arc<Mutex<Vec<Connection>>>;

/// Sessions, messages and runs in one file.
pub struct Sqlite {
    path: PathBuf,
    /// None of a database that is only looked at.
    writer: Option<Writer>,
    checkpoints: Option<Checkpoints>,
    damage: Damage,
    /// As many as `permits` lets run.
    readers: Readers,
    permits: Arc<Semaphore>,
    /// Held for the life of the process: two processes on one file would answer each question twice.
    _lock: Option<File>,
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
        create::create(&path)
            .and_then(|()| Ok(private::database(&path)?))
            .with_context(|| format!("cannot create the database {}", path.display()))?;
        let mut connection = Connection::open(&path)
            .with_context(|| format!("cannot open the database {}", path.display()))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // An acknowledged message must survive a power cut, so every commit reaches the disk.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is deleted or replaced is overwritten: in a file that was encrypted later, no older form stays behind.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        // What a change that fails would have to undo, which is nothing to write to a disk.
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.busy_timeout(Duration::from_secs(5))?;
        schema::migrate(&mut connection)?;
        write::end_leases(&connection)?;
        // Nor in the log of a process that was killed.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        let damage = Damage::default();
        let writer = Writer::start(connection, damage.clone())?;
        Self::with(path, Some(writer), damage, Some(lock))
    }

    /// Opens the database below `dir` to look at it, also while a server uses it. Nothing can be written.
    ///
    /// # Errors
    /// When there is none, or another release wrote it.
    pub fn open_read_only(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE);
        let connection = open_reader(&path)
            .with_context(|| format!("cannot open the database {}", path.display()))?;
        schema::check(&connection)?;
        Self::with(path, None, Damage::default(), None)
    }

    fn with(
        path: PathBuf,
        writer: Option<Writer>,
        damage: Damage,
        lock: Option<File>,
    ) -> anyhow::Result<Self> {
        let readers = Readers::new(Mutex::new(vec![open_reader(&path)?]));
        let permits = Arc::new(Semaphore::new(1));
        open_readers(path.clone(), Arc::clone(&readers), Arc::clone(&permits))?;
        Ok(Self {
            path,
            checkpoints: writer.clone().map(Checkpoints::new),
            writer,
            damage,
            readers,
            permits,
            _lock: lock,
        })
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(Durability::Disk, change).await
    }

    /// The same without a flush to disk of its own: of what was half said, a machine that loses power may lose more.
    async fn write_through<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(Durability::Process, change).await
    }

    async fn call<T: Send + 'static>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self.writer.as_ref().ok_or_else(only_looked_at)?;
        self.damage.note(writer.call(durability, change).await)
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

fn only_looked_at() -> StoreError {
    let cause = anyhow!("the database was opened to look at it");
    StoreError::new(ErrorKind::Permanent, cause)
}

/// Opens all readers but the first, beside the start of the server. Not later: where no file can be opened any more, as in a
/// flood of connections, the store still works.
fn open_readers(path: PathBuf, readers: Readers, permits: Arc<Semaphore>) -> std::io::Result<()> {
    let open_all = move || {
        for _ in 1..READERS {
            // One that cannot be opened is tried again when it is needed.
            if let Ok(reader) = open_reader(&path) {
                let mut readers = readers.lock().unwrap_or_else(PoisonError::into_inner);
                readers.push(reader);
            }
            permits.add_permits(1);
        }
    };
    let name = "sqlite-readers".to_owned();
    thread::Builder::new().name(name).spawn(open_all).map(drop)
}

/// Opens the file and its log, which SQLite does at the first query.
fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    // One thread at a time has it, so nothing needs to be locked within.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // A query is planned once. Otherwise SQLite would do it anew for each value of a `LIMIT`.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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
impl Values for Sqlite {
    async fn values(&self, after: Option<&Place>, limit: usize) -> Result<Vec<Value>, StoreError> {
        let after = after.cloned();
        self.read(move |connection| values::values(connection, after.as_ref(), limit))
            .await
    }

    async fn replace_values(&self, replacements: Vec<Replacement>) -> Result<usize, StoreError> {
        // What a power cut takes back is replaced again: no record says before that it is done.
        self.write_through(move |tx| values::replace(tx, &replacements))
            .await
    }

    async fn record(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |connection| values::record(connection, name))
            .await
    }

    async fn replace_record(
        &self,
        name: &'static str,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| values::replace_record(tx, name, old.as_deref(), &new))
            .await
    }
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
        let checkpoints = self.checkpoints.as_ref().ok_or_else(only_looked_at)?;
        self.damage.note(checkpoints.keep(run, text, lease).await)
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

    async fn ongoing(&self, session: &SessionId) -> Result<Option<Ongoing>, StoreError> {
        let session = session.clone();
        self.read(move |connection| takeover::ongoing(connection, &session))
            .await
    }

    async fn assign(&self, request: Assign) -> Result<Judged<Assigned>, StoreError> {
        self.write(move |tx| takeover::assign(tx, &request)).await
    }

    async fn release(&self, request: Release) -> Result<Judged<Option<Message>>, StoreError> {
        self.write(move |tx| takeover::release(tx, &request)).await
    }

    async fn request_help(
        &self,
        request: HelpRequest,
    ) -> Result<Judged<Option<Message>>, StoreError> {
        self.write(move |tx| takeover::request_help(tx, &request))
            .await
    }

    async fn attend(
        &self,
        session: &SessionId,
        agent: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (session, agent) = (session.clone(), agent.to_owned());
        self.write_through(move |tx| takeover::attend(tx, &session, &agent, at.as_microsecond()))
            .await
    }

    async fn unattended(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.read(move |connection| {
            takeover::unattended(connection, before.as_microsecond(), limit)
        })
        .await
    }

    async fn waiting_for_help(&self, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.read(move |connection| takeover::waiting_for_help(connection, limit))
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
