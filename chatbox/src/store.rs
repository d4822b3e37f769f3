//! What is kept: sessions, messages, runs. The store is the truth; everything else may be lost.

pub mod sqlite;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::chat::{Message, MessageId, Run, RunId, Session, SessionId, Status};

/// What every storage must do. The conformance suite in `tests/` holds each implementation to the words below.
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores a question, and its session if that is new. When it returns, the question survives a crash.
    /// The same `client_id` with the same content again gives the stored message and stores nothing.
    async fn append(&self, question: Question) -> Result<Appended, AppendError>;

    /// Takes the oldest unanswered question of a session, unless there is none or a run is at work on one.
    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError>;

    /// Keeps what a run has said so far. Ignored once the run has ended.
    async fn checkpoint(&self, run: RunId, text: String) -> Result<(), StoreError>;

    /// Ends a run and stores its answer; nothing if the run has lost its session to another fence.
    async fn finish(&self, run: &Run, answer: Answer) -> Result<Option<Message>, StoreError>;

    /// Gives the question of an abandoned run back, to be claimed again.
    async fn release(&self, run: RunId) -> Result<(), StoreError>;

    /// Runs whose process is gone, with what they had said.
    async fn abandoned(&self) -> Result<Vec<Abandoned>, StoreError>;

    /// Sessions with a question that nobody is answering.
    async fn waiting(&self) -> Result<Vec<SessionId>, StoreError>;

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError>;

    /// The sessions of a user, the one with the newest message first.
    async fn sessions(&self, user: &str, limit: usize) -> Result<Vec<Session>, StoreError>;

    /// Messages with `seq > after`, oldest first.
    async fn messages_after(
        &self,
        id: &SessionId,
        after: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError>;

    /// The newest messages with `seq < before`, oldest first.
    async fn messages_before(
        &self,
        id: &SessionId,
        before: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError>;

    /// Fails when the storage cannot be read.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// How much is read at once. One message is always given, whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub messages: usize,
    /// Bytes of content.
    pub bytes: usize,
}

/// A message of a user that wants an answer.
#[derive(Clone, Debug)]
pub struct Question {
    pub id: MessageId,
    pub session: SessionId,
    pub user: String,
    pub client_id: Option<String>,
    pub content: String,
    pub at: Timestamp,
    /// How many questions of the session may wait at the same time.
    pub pending_max: usize,
}

/// A stored question.
#[derive(Clone, Debug)]
pub struct Appended {
    pub message: Message,
    /// It was stored before.
    pub duplicate: bool,
}

/// The process that wants to answer.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    pub model: String,
}

/// A question to answer.
#[derive(Clone, Debug)]
pub struct Claim {
    pub run: Run,
    pub question: Message,
}

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Answer {
    pub id: MessageId,
    pub content: String,
    pub status: Status,
    pub at: Timestamp,
    /// Tokens that the provider counted.
    pub tokens: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// A run whose process is gone.
#[derive(Clone, Debug)]
pub struct Abandoned {
    pub run: Run,
    /// The newest checkpoint; empty if nobody saw a word.
    pub text: String,
}

/// Why a question was not stored.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the session belongs to another user")]
    NotOwner,
    #[error("the client id was used for another message of this session")]
    ClientIdTaken,
    #[error("too many questions of this session wait for an answer")]
    TooManyPending,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the store failed")]
pub struct StoreError(#[source] pub anyhow::Error);

impl StoreError {
    pub fn new(cause: impl Into<anyhow::Error>) -> Self {
        Self(cause.into())
    }
}
