//! A MongoDB replica set: for any number of processes. One document a message; the document of a session is small.
//!
//! Each operation is one short transaction that begins with the session's document, and writes it before anything
//! else: of two transactions that change a session, the server lets one write and tells the other to begin again. Runs
//! exist only while their session names them, so a change of a run alone is one update of one document.
//!
//! What is stored was acknowledged by a majority, which had it in its journal, whatever the address says.

mod change;
mod connect;
mod documents;
mod error;
mod read;
mod schema;
mod takeover;
mod tls;
mod transaction;
mod values;
mod write;

use std::path::Path;
use std::time::Duration;

use ::mongodb::Client;
use ::mongodb::bson::doc;
use anyhow::Context;
use async_trait::async_trait;
use crds::config;
use futures_util::FutureExt;
use jiff::Timestamp;

use self::documents::Collections;
use self::transaction::Turns;
use super::values::{Place, Replacement, Value};
use super::{
    Abandoned, Answer, Appended, Assign, Assigned, Cancel, Claim, HelpRequest, Judged, Kept,
    ModelChoice, NewRun, Ongoing, OutboxEntry, Page, Question, Regenerate, Release, Store,
    StoreError, Values,
};
use crate::chat::{DigestKey, Message, MessageId, Run, RunId, Session, SessionId};

/// Sessions, messages and runs in one database.
pub struct MongoDb {
    client: Client,
    collections: Collections,
    turns: Turns,
    /// How long one operation may take, with every repetition.
    timeout: Duration,
}

impl MongoDb {
    /// Connects, and makes or checks the indexes. Waits a while for a server that cannot be reached.
    ///
    /// # Errors
    /// When the server cannot be reached, is no replica set, denies a right, or holds the data of a newer release.
    pub async fn open(config: &config::MongoDb, secrets: &Path) -> anyhow::Result<Self> {
        let client = connect::connect(config, secrets).await?;
        let collections = Collections::new(&client.database(&config.database));
        schema::prepare(&collections)
            .await
            .with_context(|| format!("cannot use the database {}", config.database))?;
        Ok(Self {
            client,
            collections,
            turns: Turns::default(),
            timeout: Duration::from_secs(config.operation_seconds.unsigned_abs().into()),
        })
    }
}

#[async_trait]
impl Values for MongoDb {
    async fn values(&self, after: Option<&Place>, limit: usize) -> Result<Vec<Value>, StoreError> {
        self.within(values::values(&self.collections, after, limit))
            .await
    }

    async fn replace_values(&self, replacements: Vec<Replacement>) -> Result<usize, StoreError> {
        let replaced = self
            .within(values::replace(&self.collections, &replacements))
            .await?;
        Ok(usize::try_from(replaced).unwrap_or(usize::MAX))
    }

    async fn record(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.within(values::record(&self.collections.meta, name))
            .await
    }

    async fn replace_record(
        &self,
        name: &'static str,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<bool, StoreError> {
        let meta = &self.collections.meta;
        self.within(values::replace_record(meta, name, old.as_deref(), &new))
            .await
    }
}

#[async_trait]
impl Store for MongoDb {
    async fn append(&self, question: Question) -> Result<Appended, StoreError> {
        self.transaction(&question.session, &question, |tx, question| {
            write::append(tx, question).boxed()
        })
        .await
    }

    async fn choose_model(&self, choice: ModelChoice) -> Result<Judged<()>, StoreError> {
        self.transaction(&choice.session, &choice, |tx, choice| {
            change::choose_model(tx, choice).boxed()
        })
        .await
    }

    async fn regenerate(
        &self,
        request: Regenerate,
    ) -> Result<Judged<Option<Box<Claim>>>, StoreError> {
        self.transaction(&request.session, &request, |tx, request| {
            change::regenerate(tx, request).boxed()
        })
        .await
    }

    async fn cancel(&self, request: Cancel) -> Result<Judged<Option<RunId>>, StoreError> {
        self.transaction(&request.session, &request, |tx, request| {
            change::cancel(tx, request).boxed()
        })
        .await
    }

    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError> {
        self.transaction(session, &(session, run), |tx, (session, run)| {
            write::claim(tx, session, run).boxed()
        })
        .await
    }

    async fn begin_answer(&self, run: &Run, text: String) -> Result<bool, StoreError> {
        let change = doc! {"checkpoint": text};
        self.within(write::keep(&self.collections, run, change))
            .await
    }

    async fn checkpoint(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError> {
        let mut change = doc! {"lease": lease.as_microsecond()};
        if let Some(text) = text {
            change.insert("checkpoint", text);
        }
        self.within(write::checkpoint(&self.collections, run, change))
            .await
    }

    async fn finish(
        &self,
        run: &Run,
        answer: Answer,
        outbox: Vec<OutboxEntry>,
    ) -> Result<Option<Message>, StoreError> {
        self.transaction(
            &run.session,
            &(run, answer, outbox),
            |mut tx, (run, answer, outbox)| {
                async move { write::finish(&mut tx, run, answer, outbox).await }.boxed()
            },
        )
        .await
    }

    async fn abandoned(&self, now: Timestamp, limit: usize) -> Result<Vec<Abandoned>, StoreError> {
        self.within(read::abandoned(
            &self.collections,
            now.as_microsecond(),
            limit,
        ))
        .await
    }

    async fn take_over(
        &self,
        run: &Run,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        self.transaction(
            &run.session,
            &(run, new, now.as_microsecond()),
            |tx, (run, new, now)| write::take_over(tx, run, new, *now).boxed(),
        )
        .await
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        self.within(read::waiting(&self.collections, limit)).await
    }

    async fn ongoing(&self, session: &SessionId) -> Result<Option<Ongoing>, StoreError> {
        self.within(takeover::ongoing(&self.collections, session))
            .await
    }

    async fn assign(&self, request: Assign) -> Result<Judged<Assigned>, StoreError> {
        self.transaction(&request.session, &request, |tx, request| {
            takeover::assign(tx, request).boxed()
        })
        .await
    }

    async fn release(&self, request: Release) -> Result<Judged<Option<Message>>, StoreError> {
        self.transaction(&request.session, &request, |tx, request| {
            takeover::release(tx, request).boxed()
        })
        .await
    }

    async fn request_help(
        &self,
        request: HelpRequest,
    ) -> Result<Judged<Option<Message>>, StoreError> {
        self.transaction(&request.session, &request, |tx, request| {
            takeover::request_help(tx, request).boxed()
        })
        .await
    }

    async fn attend(
        &self,
        session: &SessionId,
        agent: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let at = at.as_microsecond();
        self.within(takeover::attend(&self.collections, session, agent, at))
            .await
    }

    async fn unattended(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let before = before.as_microsecond();
        self.within(takeover::unattended(&self.collections, before, limit))
            .await
    }

    async fn waiting_for_help(&self, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.within(takeover::waiting_for_help(&self.collections, limit))
            .await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.within(read::session(&self.collections, id)).await
    }

    async fn sessions(&self, user: &str, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.within(read::sessions(&self.collections, user, limit))
            .await
    }

    async fn messages_after(
        &self,
        id: &SessionId,
        after: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let filter = doc! {"session": id.as_str(), "seq": {"$gt": after}};
        self.within(read::messages(
            &self.collections,
            filter,
            read::Order::OldestFirst,
            page,
        ))
        .await
    }

    async fn messages_before(
        &self,
        id: &SessionId,
        before: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let filter = doc! {"session": id.as_str(), "seq": {"$lt": before}};
        let messages = read::messages(&self.collections, filter, read::Order::NewestFirst, page);
        let mut messages = self.within(messages).await?;
        messages.reverse();
        Ok(messages)
    }

    async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.within(read::outbox(&self.collections, limit)).await
    }

    async fn remove_from_outbox(&self, id: MessageId) -> Result<(), StoreError> {
        self.within(write::remove_from_outbox(&self.collections, id))
            .await
    }

    async fn digest_key(&self, proposed: DigestKey) -> Result<DigestKey, StoreError> {
        self.within(write::digest_key(&self.collections, proposed))
            .await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.within(read::ping(&self.client)).await
    }

    /// Never: a server that is away comes back, and another process would find it as this one does.
    async fn lost(&self) -> StoreError {
        std::future::pending().await
    }
}
