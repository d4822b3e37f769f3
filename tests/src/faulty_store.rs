//! A store of which single operations fail.

use std::sync::Arc;

use async_trait::async_trait;
use chatbox::chat::{
    Admission, Author, DigestKey, Message, MessageId, ModelIds, OwnerId, Run, RunId, Session,
    SessionId,
};
use chatbox::clock;
use chatbox::store::values::{Place, Replacement, Value};
use chatbox::store::{
    Abandoned, Answer, Appended, Assign, Assigned, Cancel, Claim, ErrorKind, HelpRequest, Judged,
    Kept, Lease, ModelChoice, NewRun, Ongoing, OutboxEntry, Page, Question, Regenerate, Release,
    Store, StoreError, Values,
};
use jiff::Timestamp;

/// An operation that a test may let fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Claim,
    Finish,
    Abandoned,
    TakeOver,
    Waiting,
}

/// Whether an operation, on a session if it is on one, fails, and how.
type Judge = dyn Fn(Operation, Option<&SessionId>) -> Option<ErrorKind> + Send + Sync;

/// Does what the store below it does, but for the operations that the test lets fail.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    is_shared: bool,
    fails: Box<Judge>,
}

impl FaultyStore {
    /// `fails` is asked before each operation, and may count them.
    pub fn new(
        inner: Arc<dyn Store>,
        fails: impl Fn(Operation, Option<&SessionId>) -> Option<ErrorKind> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            is_shared: inner.is_shared(),
            inner,
            fails: Box::new(fails),
        })
    }

    /// The same, as a store that other processes use too.
    pub fn shared(
        inner: Arc<dyn Store>,
        fails: impl Fn(Operation, Option<&SessionId>) -> Option<ErrorKind> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            is_shared: true,
            inner,
            fails: Box::new(fails),
        })
    }

    fn check(&self, operation: Operation, session: Option<&SessionId>) -> Result<(), StoreError> {
        match (self.fails)(operation, session) {
            Some(kind) => Err(StoreError::new(
                kind,
                std::io::Error::other("the test says so"),
            )),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Values for FaultyStore {
    async fn values(&self, after: Option<&Place>, limit: usize) -> Result<Vec<Value>, StoreError> {
        self.inner.values(after, limit).await
    }

    async fn replace_values(&self, replacements: Vec<Replacement>) -> Result<usize, StoreError> {
        self.inner.replace_values(replacements).await
    }

    async fn record(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.record(name).await
    }

    async fn replace_record(
        &self,
        name: &'static str,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.inner.replace_record(name, old, new).await
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn append(&self, question: Question) -> Result<Appended, StoreError> {
        self.inner.append(question).await
    }

    async fn choose_model(&self, choice: ModelChoice) -> Result<Judged<()>, StoreError> {
        self.inner.choose_model(choice).await
    }

    async fn regenerate(
        &self,
        request: Regenerate,
    ) -> Result<Judged<Option<Box<Claim>>>, StoreError> {
        self.inner.regenerate(request).await
    }

    async fn cancel(&self, request: Cancel) -> Result<Judged<Option<RunId>>, StoreError> {
        self.inner.cancel(request).await
    }

    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError> {
        self.check(Operation::Claim, Some(session))?;
        self.inner.claim(session, run).await
    }

    async fn begin_answer(&self, run: &Run, text: String) -> Result<bool, StoreError> {
        self.inner.begin_answer(run, text).await
    }

    async fn checkpoint(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError> {
        self.inner.checkpoint(run, text, lease).await
    }

    async fn finish(
        &self,
        run: &Run,
        answer: Answer,
        outbox: Vec<OutboxEntry>,
    ) -> Result<Option<Message>, StoreError> {
        self.check(Operation::Finish, Some(&run.session))?;
        self.inner.finish(run, answer, outbox).await
    }

    async fn abandoned(&self, now: Timestamp, limit: usize) -> Result<Vec<Abandoned>, StoreError> {
        self.check(Operation::Abandoned, None)?;
        self.inner.abandoned(now, limit).await
    }

    async fn take_over(
        &self,
        run: &Run,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        self.check(Operation::TakeOver, Some(&run.session))?;
        // No test waits for a lease to end.
        let lease = Lease {
            until: now,
            ..new.lease
        };
        let new = NewRun { lease, ..new };
        self.inner.take_over(run, new, now).await
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        self.check(Operation::Waiting, None)?;
        self.inner.waiting(limit).await
    }

    async fn ongoing(&self, session: &SessionId) -> Result<Option<Ongoing>, StoreError> {
        self.inner.ongoing(session).await
    }

    async fn assign(&self, request: Assign) -> Result<Judged<Assigned>, StoreError> {
        self.inner.assign(request).await
    }

    async fn release(&self, request: Release) -> Result<Judged<Option<Message>>, StoreError> {
        self.inner.release(request).await
    }

    async fn request_help(
        &self,
        request: HelpRequest,
    ) -> Result<Judged<Option<Message>>, StoreError> {
        self.inner.request_help(request).await
    }

    async fn attend(
        &self,
        session: &SessionId,
        agent: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.attend(session, agent, at).await
    }

    async fn unattended(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.inner.unattended(before, limit).await
    }

    async fn waiting_for_help(&self, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.inner.waiting_for_help(limit).await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.inner.session(id).await
    }

    async fn sessions(&self, user: &str, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.inner.sessions(user, limit).await
    }

    async fn messages_after(
        &self,
        id: &SessionId,
        after: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.messages_after(id, after, page).await
    }

    async fn messages_before(
        &self,
        id: &SessionId,
        before: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.messages_before(id, before, page).await
    }

    async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.inner.outbox(limit).await
    }

    async fn remove_from_outbox(&self, id: MessageId) -> Result<(), StoreError> {
        self.inner.remove_from_outbox(id).await
    }

    async fn digest_key(&self, proposed: DigestKey) -> Result<DigestKey, StoreError> {
        self.inner.digest_key(proposed).await
    }

    fn is_shared(&self) -> bool {
        self.is_shared
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn lost(&self) -> StoreError {
        self.inner.lost().await
    }
}

/// Stores a question that nobody answers, as a process leaves it that ends.
pub async fn leave_question(store: &dyn Store, session: &str, user: &str, content: &str) {
    store
        .append(question(session, user, content))
        .await
        .unwrap();
}

/// Stores a question with a run whose process has ended.
pub async fn leave_run(store: &dyn Store, session: &str, user: &str, content: &str) {
    let run = NewRun {
        id: RunId::new(),
        models: ModelIds::of("fast".to_owned()),
        lease: Lease {
            owner: OwnerId::new(),
            until: Timestamp::UNIX_EPOCH,
        },
    };
    let question = Question {
        run: Some(run),
        ..question(session, user, content)
    };
    store.append(question).await.unwrap();
}

fn question(session: &str, user: &str, content: &str) -> Question {
    Question {
        id: MessageId::new(),
        session: SessionId::parse(session).unwrap(),
        client_id: None,
        content: content.to_owned(),
        at: clock::now(),
        name: "left".to_owned(),
        admission: Admission {
            author: Author {
                user: user.to_owned(),
                name: user.to_owned(),
                roles: Vec::new(),
            },
            digest: DigestKey::from_bytes([7; 32]).digest(content),
            pending_max: usize::MAX,
            replaces: None,
        },
        run: None,
    }
}
