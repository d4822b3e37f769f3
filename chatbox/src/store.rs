//! What is kept: sessions, messages, runs. The store is the truth; everything else may be lost.
//!
//! Each operation of [`Store`] is one short transaction that begins with the session. It holds no policy: who may
//! write, what counts as a duplicate and how many questions may wait is judged by [`Admission`], with what the store
//! finds in its transaction.
//!
//! Content, names, provider state and payloads are opaque: a store keeps and returns them, and looks into none. So one
//! cipher can wrap any store, with session, message id (of a checkpoint: `seq` of its question) and field as associated
//! data, all of which are known before the commit. [`cipher`] is that cipher, and [`Values`] what it needs beside.

pub mod cipher;
mod error;
pub mod mongodb;
pub mod sqlite;
mod takeover;
pub mod values;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::error::{ErrorKind, StoreError};
pub use self::takeover::{Assign, Assigned, By, HelpRequest, Notice, Ongoing, Release};
pub use self::values::Values;
use crate::chat::{
    Admission, Answered, Author, DigestKey, Kind, Message, MessageId, ModelIds, OwnerId, Rejection,
    Run, RunId, Sender, Session, SessionId, Speaker, Status,
};

/// What every storage must do. The conformance suite in `tests/` holds each implementation to the words below.
#[async_trait]
pub trait Store: Values {
    /// Judges a question by its admission, and stores it and its session if that is new. When it returns, the question
    /// survives a crash. With `run`, the same commit claims it, unless a run is at work or other questions wait.
    async fn append(&self, question: Question) -> Result<Appended, StoreError>;

    /// Chooses the model of the next answers. A session that does not exist yet begins with it, and is listed from its first
    /// message on.
    async fn choose_model(&self, choice: ModelChoice) -> Result<Judged<()>, StoreError>;

    /// Makes the newest question of a session one that waits for an answer again. With `run`, the same commit claims it.
    async fn regenerate(
        &self,
        request: Regenerate,
    ) -> Result<Judged<Option<Box<Claim>>>, StoreError>;

    /// Asks for the end of the run at work, and says which one that is, if it is the one that was meant. Its owner learns it
    /// from its next checkpoint, and whoever takes it over from [`Abandoned`].
    async fn cancel(&self, request: Cancel) -> Result<Judged<Option<RunId>>, StoreError>;

    /// Takes the oldest unanswered question of a session, unless there is none or a run is at work on one.
    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError>;

    /// Keeps the first words of a run, at once: from then on it is never started again. False: it has lost its session.
    /// When it returns, the words survive the end of the process; those of a whole machine that stops may be lost.
    async fn begin_answer(&self, run: &Run, text: String) -> Result<bool, StoreError>;

    /// Keeps what a run has produced so far, if `text` is given, and moves its lease. It survives as long as first words do.
    async fn checkpoint(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError>;

    /// Ends a run, and stores its answer and `outbox` in one commit; nothing if the run has lost its session.
    ///
    /// What a provider asked to keep is given to its next run while it knows all that was said: not after another model has
    /// answered, and not once a question or an answer was replaced.
    async fn finish(
        &self,
        run: &Run,
        answer: Answer,
        outbox: Vec<OutboxEntry>,
    ) -> Result<Option<Message>, StoreError>;

    /// Runs whose lease ended before `now`, with what they had produced. One that cannot be read hides no other.
    async fn abandoned(&self, now: Timestamp, limit: usize) -> Result<Vec<Abandoned>, StoreError>;

    /// Replaces an abandoned run by a new one, under a higher fence: what the old one still stores is ignored. The
    /// checkpoint stays, and attempts are counted on.
    /// Nothing if somebody else was faster, or the lease was renewed after all.
    async fn take_over(
        &self,
        run: &Run,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError>;

    /// Sessions with a question that nobody is answering: one of each user before a second of any, so that those of one
    /// user do not hide the others. Of one user the one that has waited longest comes first.
    async fn waiting(&self, limit: usize) -> Result<Vec<SessionId>, StoreError>;

    /// The run at work in a session, with what is kept of it.
    async fn ongoing(&self, session: &SessionId) -> Result<Option<Ongoing>, StoreError>;

    /// Gives a session to a member of staff, in one commit with the end of the run at work: nothing with an older fence is
    /// stored after it. What waits for an answer waits for the member of staff from then on.
    async fn assign(&self, request: Assign) -> Result<Judged<Assigned>, StoreError>;

    /// Gives a session back to the model. Nothing if nobody has it.
    async fn release(&self, request: Release) -> Result<Judged<Option<Message>>, StoreError>;

    /// Notes that the user asks for a member of staff. Nothing if one is there, or was asked for already.
    async fn request_help(
        &self,
        request: HelpRequest,
    ) -> Result<Judged<Option<Message>>, StoreError>;

    /// Notes that the assignee of a session is there. False: it is another one, or none.
    async fn attend(
        &self,
        session: &SessionId,
        agent: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Sessions whose assignee was not there since `before`.
    async fn unattended(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Sessions whose users wait for a member of staff, the one that has waited longest first.
    async fn waiting_for_help(&self, limit: usize) -> Result<Vec<Session>, StoreError>;

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

    /// The oldest entries that were not removed yet.
    async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Forgets an entry that was delivered.
    async fn remove_from_outbox(&self, id: MessageId) -> Result<(), StoreError>;

    /// The key of this store's digests: `proposed` if it has none yet. Every process gets the same one.
    async fn digest_key(&self, proposed: DigestKey) -> Result<DigestKey, StoreError>;

    /// Whether other processes may use the same storage at the same time.
    fn is_shared(&self) -> bool;

    /// Fails when the storage cannot be read.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Resolves when the storage is lost for good, so that the process must end.
    async fn lost(&self) -> StoreError;
}

/// How much is read at once. One message is always given, whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub messages: usize,
    /// Bytes of content.
    pub bytes: usize,
}

/// What a rule of [`crate::chat`] made of a request.
pub type Judged<T> = Result<T, Rejection>;

/// A model for the next answers of a session.
#[derive(Clone, Debug)]
pub struct ModelChoice {
    pub session: SessionId,
    pub author: Author,
    /// Id of the model.
    pub model: String,
    pub at: Timestamp,
}

/// A request for another answer to the newest question.
#[derive(Clone, Debug)]
pub struct Regenerate {
    pub session: SessionId,
    pub author: Author,
    /// `seq` of the answer that another one shall stand for.
    pub answer: i64,
    /// Who would answer at once.
    pub run: Option<NewRun>,
}

/// A request for the end of an answer.
#[derive(Clone, Debug)]
pub struct Cancel {
    pub session: SessionId,
    pub author: Author,
    /// Left out: whatever is at work.
    pub run: Option<RunId>,
}

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Kept,
    /// It is kept, and the user wants no more of the answer.
    Cancelled,
    /// It is not: the run has ended, or lost its session to another fence.
    Lost,
}

/// A message of a user that wants an answer.
#[derive(Clone, Debug)]
pub struct Question {
    pub id: MessageId,
    pub session: SessionId,
    pub client_id: Option<String>,
    pub content: String,
    pub at: Timestamp,
    /// Name of the session, if this question begins it.
    pub name: String,
    pub admission: Admission,
    /// Who would answer at once.
    pub run: Option<NewRun>,
}

/// What happened to a question.
#[derive(Clone, Debug)]
pub enum Appended {
    Stored {
        message: Message,
        /// Set if the commit claimed it for the run that came with it.
        claim: Option<Box<Claim>>,
    },
    /// It was stored before.
    Duplicate(Message),
    Rejected(Rejection),
}

/// A run that wants to answer.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    /// Those that may answer: which one does is up to the session.
    pub models: ModelIds,
    pub lease: Lease,
}

/// Until when a run belongs to a process.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub owner: OwnerId,
    pub until: Timestamp,
}

/// A question to answer.
#[derive(Clone, Debug)]
pub struct Claim {
    pub run: Run,
    pub question: Message,
    /// What the provider of this model asked to be kept with the session.
    pub provider_state: Option<String>,
}

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Answer {
    pub id: MessageId,
    pub content: String,
    pub status: Status,
    /// Id of the model that gave it.
    pub model: String,
    pub at: Timestamp,
    /// Tokens that the provider counted.
    pub tokens: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// Replaces what is kept for this model and session, if given.
    pub provider_state: Option<String>,
}

/// A run whose lease has ended.
#[derive(Clone, Debug)]
pub struct Abandoned {
    pub run: Run,
    /// The newest checkpoint; empty if nobody saw a word.
    pub text: String,
    /// How often the question was claimed or taken over, this run included.
    pub attempts: u32,
    /// Its user wants no more of it.
    pub is_cancelled: bool,
}

/// Something to deliver after the commit that made it necessary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Sorted by the time it was made.
    pub id: MessageId,
    pub session: SessionId,
    pub payload: String,
}

impl Question {
    /// What is stored of it.
    fn message(&self, seq: i64, speaker: Speaker) -> Message {
        let is_agent = speaker == Speaker::Agent;
        Message {
            id: self.id,
            session: self.session.clone(),
            seq,
            client_id: self.client_id.clone(),
            sender: if is_agent {
                Sender::Admin
            } else {
                Sender::User
            },
            content: self.content.clone(),
            at: self.at,
            replaces: self.admission.replaces,
            kind: Kind::Text,
            agent: is_agent.then(|| self.admission.author.to_agent()),
            answer: None,
        }
    }
}

impl NewRun {
    /// The run that answers `question`, in a session whose user chose the model `chosen`.
    fn of(&self, question: &Message, fence: i64, chosen: Option<&str>) -> Run {
        Run {
            id: self.id,
            session: question.session.clone(),
            question: question.seq,
            fence,
            model: self.models.answering(chosen).to_owned(),
            owner: self.lease.owner,
        }
    }
}

impl Answer {
    /// What is stored of it.
    fn message(&self, run: &Run, seq: i64) -> Message {
        Message {
            id: self.id,
            session: run.session.clone(),
            seq,
            client_id: None,
            sender: Sender::Ai,
            content: self.content.clone(),
            at: self.at,
            replaces: None,
            kind: Kind::Text,
            agent: None,
            answer: Some(Answered {
                run: run.id,
                fence: run.fence,
                question: run.question,
                status: self.status,
                model: self.model.clone(),
            }),
        }
    }
}
