//! A cipher around a store: everything that the store may not look into is encrypted on its way in.
//!
//! The associated data is session, message or run, and field, so a store that puts a value elsewhere than it belongs is
//! found out when the value is read.

use async_trait::async_trait;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use chatbox::chat::{DigestKey, Message, MessageId, Run, RunId, Session, SessionId};
use chatbox::store::{
    Abandoned, Answer, Appended, Cancel, Claim, Judged, Kept, ModelChoice, NewRun, OutboxEntry,
    Page, Question, Regenerate, Store, StoreError,
};
use jiff::Timestamp;

/// AES-256-GCM over an inner store.
pub(crate) struct Sealed<S> {
    inner: S,
    key: RandomizedNonceKey,
}

impl<S> Sealed<S> {
    pub(crate) fn new(inner: S) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &[42; 32]).unwrap();
        Self { inner, key }
    }

    /// Nonce and ciphertext, in hexadecimal digits.
    fn seal(&self, session: &SessionId, of: &str, field: &str, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let aad = Aad::from(format!("{session}/{of}/{field}"));
        let nonce = self.key.seal_in_place_append_tag(aad, &mut bytes).unwrap();
        nonce
            .as_ref()
            .iter()
            .chain(&bytes)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn open(&self, session: &SessionId, of: &str, field: &str, text: &str) -> String {
        let bytes: Vec<u8> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect();
        let (nonce, sealed) = bytes.split_at(12);
        let aad = Aad::from(format!("{session}/{of}/{field}"));
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let mut sealed = sealed.to_vec();
        let opened = self.key.open_in_place(nonce, aad, &mut sealed);
        let opened =
            opened.unwrap_or_else(|_| panic!("{field} of {session}/{of} is another value"));
        String::from_utf8(opened.to_vec()).unwrap()
    }

    fn message(&self, message: Message) -> Message {
        let content = self.open(
            &message.session,
            &message.id.to_string(),
            "content",
            &message.content,
        );
        Message { content, ..message }
    }

    fn claimed(&self, claim: Claim) -> Claim {
        let Claim {
            run,
            question,
            provider_state,
        } = claim;
        Claim {
            question: self.message(question),
            provider_state: provider_state
                .map(|state| self.open(&run.session, &run.model, "provider_state", &state)),
            run,
        }
    }

    fn session(&self, session: Session) -> Session {
        // A session without a message has no name.
        let name = match session.name.as_str() {
            "" => String::new(),
            sealed => self.open(&session.id, "session", "name", sealed),
        };
        Session { name, ..session }
    }
}

#[async_trait]
impl<S: Store> Store for Sealed<S> {
    async fn append(&self, question: Question) -> Result<Appended, StoreError> {
        let (session, id) = (&question.session, question.id.to_string());
        let content = self.seal(session, &id, "content", &question.content);
        let name = self.seal(session, "session", "name", &question.name);
        let question = Question {
            content,
            name,
            ..question
        };
        Ok(match self.inner.append(question).await? {
            Appended::Stored { message, claim } => Appended::Stored {
                message: self.message(message),
                claim: claim.map(|claim| Box::new(self.claimed(*claim))),
            },
            Appended::Duplicate(message) => Appended::Duplicate(self.message(message)),
            Appended::Rejected(rejection) => Appended::Rejected(rejection),
        })
    }

    async fn choose_model(&self, choice: ModelChoice) -> Result<Judged<()>, StoreError> {
        self.inner.choose_model(choice).await
    }

    async fn regenerate(
        &self,
        request: Regenerate,
    ) -> Result<Judged<Option<Box<Claim>>>, StoreError> {
        let begun = self.inner.regenerate(request).await?;
        Ok(begun.map(|claim| claim.map(|claim| Box::new(self.claimed(*claim)))))
    }

    async fn cancel(&self, request: Cancel) -> Result<Judged<Option<RunId>>, StoreError> {
        self.inner.cancel(request).await
    }

    async fn claim(&self, session: &SessionId, run: NewRun) -> Result<Option<Claim>, StoreError> {
        let claim = self.inner.claim(session, run).await?;
        Ok(claim.map(|claim| self.claimed(claim)))
    }

    async fn begin_answer(&self, run: &Run, text: String) -> Result<bool, StoreError> {
        let of = format!("question {}", run.question);
        let text = self.seal(&run.session, &of, "checkpoint", &text);
        self.inner.begin_answer(run, text).await
    }

    async fn checkpoint(
        &self,
        run: &Run,
        text: Option<String>,
        lease: Timestamp,
    ) -> Result<Kept, StoreError> {
        let of = format!("question {}", run.question);
        let text = text.map(|text| self.seal(&run.session, &of, "checkpoint", &text));
        self.inner.checkpoint(run, text, lease).await
    }

    async fn finish(
        &self,
        run: &Run,
        answer: Answer,
        outbox: Vec<OutboxEntry>,
    ) -> Result<Option<Message>, StoreError> {
        let answer = Answer {
            content: self.seal(
                &run.session,
                &answer.id.to_string(),
                "content",
                &answer.content,
            ),
            provider_state: answer
                .provider_state
                .as_ref()
                .map(|state| self.seal(&run.session, &answer.model, "provider_state", state)),
            ..answer
        };
        let seal = |entry: OutboxEntry| OutboxEntry {
            payload: self.seal(
                &entry.session,
                &entry.id.to_string(),
                "payload",
                &entry.payload,
            ),
            ..entry
        };
        let outbox = outbox.into_iter().map(seal).collect();
        let message = self.inner.finish(run, answer, outbox).await?;
        Ok(message.map(|message| self.message(message)))
    }

    async fn abandoned(&self, now: Timestamp, limit: usize) -> Result<Vec<Abandoned>, StoreError> {
        let open = |abandoned: Abandoned| {
            let run = &abandoned.run;
            let of = format!("question {}", run.question);
            let text = match abandoned.text.as_str() {
                "" => String::new(),
                sealed => self.open(&run.session, &of, "checkpoint", sealed),
            };
            Abandoned { text, ..abandoned }
        };
        let abandoned = self.inner.abandoned(now, limit).await?;
        Ok(abandoned.into_iter().map(open).collect())
    }

    async fn take_over(
        &self,
        run: &Run,
        new: NewRun,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let claim = self.inner.take_over(run, new, now).await?;
        Ok(claim.map(|claim| self.claimed(claim)))
    }

    async fn waiting(&self, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        self.inner.waiting(limit).await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let session = self.inner.session(id).await?;
        Ok(session.map(|session| self.session(session)))
    }

    async fn sessions(&self, user: &str, limit: usize) -> Result<Vec<Session>, StoreError> {
        let sessions = self.inner.sessions(user, limit).await?;
        Ok(sessions
            .into_iter()
            .map(|session| self.session(session))
            .collect())
    }

    async fn messages_after(
        &self,
        id: &SessionId,
        after: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let messages = self.inner.messages_after(id, after, page).await?;
        Ok(messages
            .into_iter()
            .map(|message| self.message(message))
            .collect())
    }

    async fn messages_before(
        &self,
        id: &SessionId,
        before: i64,
        page: Page,
    ) -> Result<Vec<Message>, StoreError> {
        let messages = self.inner.messages_before(id, before, page).await?;
        Ok(messages
            .into_iter()
            .map(|message| self.message(message))
            .collect())
    }

    async fn outbox(&self, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let open = |entry: OutboxEntry| OutboxEntry {
            payload: self.open(
                &entry.session,
                &entry.id.to_string(),
                "payload",
                &entry.payload,
            ),
            ..entry
        };
        let entries = self.inner.outbox(limit).await?;
        Ok(entries.into_iter().map(open).collect())
    }

    async fn remove_from_outbox(&self, id: MessageId) -> Result<(), StoreError> {
        self.inner.remove_from_outbox(id).await
    }

    async fn digest_key(&self, proposed: DigestKey) -> Result<DigestKey, StoreError> {
        self.inner.digest_key(proposed).await
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn lost(&self) -> StoreError {
        self.inner.lost().await
    }
}
