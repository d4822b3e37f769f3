//! The operations of a store, with everything that is text of people sealed on its way in and opened on its way out.
//!
//! One text that cannot be read hides no other: words stand for it ([`crate::chat::UNREADABLE`]), an entry of the outbox is
//! left out, and what a provider keeps with a session is taken for missing.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Encrypted;
use super::form::{self, AssociatedData, Field};
use crate::chat::{DigestKey, Message, MessageId, Run, RunId, Session, SessionId};
use crate::store::values::{Place, Replacement, Value};
use crate::store::{
    Abandoned, Answer, Appended, Assign, Assigned, Cancel, Claim, HelpRequest, Judged, Kept,
    ModelChoice, NewRun, Ongoing, OutboxEntry, Page, Question, Regenerate, Release, Store,
    StoreError, Values,
};

impl Encrypted {
    pub(super) fn message(&self, message: Message) -> Message {
        let id = message.id.to_string();
        let content = self.show(&content(&message.session, &id), &message.content);
        Message { content, ..message }
    }

    pub(super) fn messages(&self, messages: Vec<Message>) -> Vec<Message> {
        let open = |message| self.message(message);
        messages.into_iter().map(open).collect()
    }

    fn claimed(&self, claim: Claim) -> Claim {
        let Claim {
            run,
            question,
            provider_state: state,
        } = claim;
        let provider_state = state
            .and_then(|state| self.try_show(&provider_state(&run.session, &run.model), &state));
        Claim {
            question: self.message(question),
            provider_state,
            run,
        }
    }

    fn session_of(&self, session: Session) -> Session {
        if session.name.is_empty() {
            // It has no message yet.
            return session;
        }
        let name = self.show(&name(&session.id), &session.name);
        Session { name, ..session }
    }

    fn checkpoint_text(&self, run: &Run, text: &str) -> Result<String, StoreError> {
        self.seal(&checkpoint(run, &run.question.to_string()), text)
    }

    fn abandoned_run(&self, abandoned: Abandoned) -> Abandoned {
        let Abandoned { run, text, .. } = &abandoned;
        if text.is_empty() {
            // Nobody saw a word.
            return abandoned;
        }
        let text = self.show(&checkpoint(run, &run.question.to_string()), text);
        Abandoned { text, ..abandoned }
    }

    fn sealed_entry(&self, entry: OutboxEntry) -> Result<OutboxEntry, StoreError> {
        let id = entry.id.to_string();
        let payload = self.seal(&payload(&entry.session, &id), &entry.payload)?;
        Ok(OutboxEntry { payload, ..entry })
    }

    fn opened_entry(&self, entry: OutboxEntry) -> Option<OutboxEntry> {
        let id = entry.id.to_string();
        let payload = self.try_show(&payload(&entry.session, &id), &entry.payload)?;
        Some(OutboxEntry { payload, ..entry })
    }
}

/// The texts as they are stored.
#[async_trait]
impl Values for Encrypted {
    async fn values(&self, after: Option<&Place>, limit: usize) -> Result<Vec<Value>, StoreError> {
        self.inner().values(after, limit).await
    }

    async fn replace_values(&self, replacements: Vec<Replacement>) -> Result<usize, StoreError> {
        self.inner().replace_values(replacements).await
    }

    async fn record(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner().record(name).await
    }

    async fn replace_record(
        &self,
        name: &'static str,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<bool, StoreError> {
        self.inner().replace_record(name, old, new).await
    }
}

#[async_trait]
impl Store for Encrypted {
    async fn append(&self, question: Question) -> Result<Appended, StoreError> {
        let (session, id) = (&question.session, question.id.to_string());
        let sealed = Question {
            content: self.seal(&content(session, &id), &question.content)?,
            name: self.seal(&name(session), &question.name)?,
            ..question.clone()
        };
        Ok(match self.inner().append(sealed).await? {
            Appended::Stored { message, claim } => Appended::Stored {
                message: self.message(message),
                claim: claim.map(|claim| Box::new(self.claimed(*claim))),
            },
            Appended::Duplicate(message) => Appended::Duplicate(self.message(message)),
            Appended::Rejected(rejection) => Appended::Rejected(rejection),
        })
    }

    async fn choose_model(&self, choice: ModelChoice) -> Result<Judged<()>, StoreError> {
        self.inner().choose_model(choice).await
    }

    async fn regenerate(
        &self,
        request: Regenerate,
    ) -> Result<Judged<Option<Box<Claim>>>, StoreError> {
        let begun = self.inner().regenerate(request).await?;
        Ok(begun.map(|claim| claim.map(|claim| Box::new(self.claimed(*claim)))))
    }

    async fn cancel(&self, request: Cancel) -> Result<Judged<Option<RunId>>, StoreError> {
        self.inner().cancel(request).await
    }

    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError> {
        let claim = self.inner().claim(session, run).await?;
        Ok(claim.map(|claim| self.claimed(claim)))
    }

    async fn begin_answer(&self, run: &Run, text: String) -> Result<bool, StoreError> {
        let text = self.checkpoint_text(run, &text)?;
        self.inner().begin_answer(run, text).await
    }

    async fn checkpoint(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError> {
        let text = text.map(|text| self.checkpoint_text(run, &text));
        self.inner().checkpoint(run, text.transpose()?, lease).await
    }

    async fn finish(
        &self,
        run: &Run,
        answer: Answer,
        outbox: Vec<OutboxEntry>,
    ) -> Result<Option<Message>, StoreError> {
        let id = answer.id.to_string();
        let state = answer.provider_state.as_ref();
        let state =
            state.map(|state| self.seal(&provider_state(&run.session, &answer.model), state));
        let sealed = Answer {
            content: self.seal(&content(&run.session, &id), &answer.content)?,
            provider_state: state.transpose()?,
            ..answer
        };
        let outbox = outbox.into_iter().map(|entry| self.sealed_entry(entry));
        let outbox = outbox.collect::<Result<_, _>>()?;
        let message = self.inner().finish(run, sealed, outbox).await?;
        Ok(message.map(|message| self.message(message)))
    }

    async fn abandoned(&self, now: Timestamp, limit: usize) -> Result<Vec<Abandoned>, StoreError> {
        let abandoned = self.inner().abandoned(now, limit).await?;
        let open = |abandoned| self.abandoned_run(abandoned);
        Ok(abandoned.into_iter().map(open).collect())
    }

    async fn take_over(
        &self,
        run: &Run,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let claim = self.inner().take_over(run, new, now).await?;
        Ok(claim.map(|claim| self.claimed(claim)))
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        self.inner().waiting(limit).await
    }

    async fn ongoing(&self, session: &SessionId) -> Result<Option<Ongoing>, StoreError> {
        self.sealed_ongoing(session).await
    }

    async fn assign(&self, request: Assign) -> Result<Judged<Assigned>, StoreError> {
        self.sealed_assign(request).await
    }

    async fn release(&self, request: Release) -> Result<Judged<Option<Message>>, StoreError> {
        self.sealed_release(request).await
    }

    async fn request_help(
        &self,
        request: HelpRequest,
    ) -> Result<Judged<Option<Message>>, StoreError> {
        self.sealed_help_request(request).await
    }

    async fn attend(
        &self,
        session: &SessionId,
        agent: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner().attend(session, agent, at).await
    }

    async fn unattended(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.inner().unattended(before, limit).await
    }

    async fn waiting_for_help(&self, limit: usize) -> Result<Vec<Session>, StoreError> {
        let waiting = self.inner().waiting_for_help(limit).await?;
        let open = |session| self.session_of(session);
        Ok(waiting.into_iter().map(open).collect())
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let session = self.inner().session(id).await?;
        Ok(session.map(|session| self.session_of(session)))
    }

    async fn sessions(&self, user: &str, limit: usize) -> Result<Vec<Session>, StoreError> {
        let sessions = self.inner().sessions(user, limit).await?;
        let open = |session| self.session_of(session);
        Ok(sessions.into_iter().map(open).collect())
    }

    async fn messages_after(
        &self,
        id: &SessionId,
        after: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let stored = form::stored_page(page);
        let messages = self.inner().messages_after(id, after, stored).await?;
        let mut messages = self.messages(messages);
        let count = fitting(messages.iter(), page.bytes);
        messages.truncate(count);
        Ok(messages)
    }

    async fn messages_before(
        &self,
        id: &SessionId,
        before: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let stored = form::stored_page(page);
        let messages = self.inner().messages_before(id, before, stored).await?;
        let mut messages = self.messages(messages);
        let count = fitting(messages.iter().rev(), page.bytes);
        Ok(messages.split_off(messages.len() - count))
    }

    /// As many readable entries as are asked for, however many before them cannot be read.
    async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut wanted = limit;
        loop {
            let entries = self.inner().outbox(wanted).await?;
            let (found, is_all) = (entries.len(), entries.len() < wanted);
            let open = |entry| self.opened_entry(entry);
            let mut readable: Vec<_> = entries.into_iter().filter_map(open).collect();
            if is_all || readable.len() >= limit {
                readable.truncate(limit);
                return Ok(readable);
            }
            wanted = limit + found - readable.len();
        }
    }

    async fn remove_from_outbox(&self, id: MessageId) -> Result<(), StoreError> {
        self.inner().remove_from_outbox(id).await
    }

    async fn digest_key(&self, proposed: DigestKey) -> Result<DigestKey, StoreError> {
        if self.0.keyring.first().is_none() {
            return self.inner().digest_key(proposed).await;
        }
        self.sealed_digest_key(proposed).await
    }

    fn is_shared(&self) -> bool {
        self.inner().is_shared()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner().ping().await
    }

    async fn lost(&self) -> StoreError {
        self.inner().lost().await
    }
}

/// How many of the first messages have so many bytes together; one at least.
fn fitting<'a>(messages: impl Iterator<Item = &'a Message>, bytes: usize) -> usize {
    let mut size: usize = 0;
    let sizes = messages.map(|message| {
        size = size.saturating_add(message.content.len());
        size
    });
    sizes
        .enumerate()
        .take_while(|(index, size)| *index == 0 || *size <= bytes)
        .count()
}

fn name(session: &SessionId) -> AssociatedData<'_> {
    AssociatedData {
        session: session.as_str(),
        field: Field::Name,
        of: "",
    }
}

pub(super) fn content<'a>(session: &'a SessionId, id: &'a str) -> AssociatedData<'a> {
    AssociatedData {
        session: session.as_str(),
        field: Field::Content,
        of: id,
    }
}

pub(super) fn checkpoint<'a>(run: &'a Run, question: &'a str) -> AssociatedData<'a> {
    AssociatedData {
        session: run.session.as_str(),
        field: Field::Checkpoint,
        of: question,
    }
}

fn provider_state<'a>(session: &'a SessionId, model: &'a str) -> AssociatedData<'a> {
    AssociatedData {
        session: session.as_str(),
        field: Field::ProviderState,
        of: model,
    }
}

fn payload<'a>(session: &'a SessionId, id: &'a str) -> AssociatedData<'a> {
    AssociatedData {
        session: session.as_str(),
        field: Field::Payload,
        of: id,
    }
}
