//! Changes, one function each.

use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;

use super::documents::{
    Collections, MessageDocument, OutboxDocument, RunDocument, SessionDocument, binary, unreadable,
};
use super::error;
use super::transaction::Tx;
use crate::chat::{
    Digest, DigestKey, Facts, Message, MessageId, Newest, Run, SessionId, Speaker, Verdict,
};
use crate::store::values::DIGEST_KEY;
use crate::store::{Answer, Appended, Claim, Kept, NewRun, OutboxEntry, Question};

pub(super) async fn append(mut tx: Tx<'_>, question: &Question) -> Result<Appended> {
    let head = tx.head(&question.session).await?;
    let same = tx.by_client_id(question).await?;
    let replaced = match question.admission.replaces {
        Some(_) => tx.newest_question(&question.session).await?,
        None => None,
    };
    let newest = |head: &SessionDocument| head.newest(replaced.as_ref(), None);
    let facts = Facts {
        parties: head.as_ref().map(SessionDocument::parties),
        pending: head
            .as_ref()
            .map_or(0, |head| usize::try_from(head.pending).unwrap_or(0)),
        same_client_id: same.as_ref().map(|(_, digest)| *digest),
        newest: head.as_ref().map_or_else(Newest::default, newest),
    };
    let speaker = match (question.admission.judge(facts), same) {
        (Verdict::Reject(rejection), _) => return Ok(Appended::Rejected(rejection)),
        (Verdict::Duplicate, Some((message, _))) => return Ok(Appended::Duplicate(message)),
        (Verdict::Store(speaker), _) => speaker,
        (Verdict::Duplicate, None) => {
            unreachable!("without a stored message there is no digest to be the same")
        }
    };
    let wants_answer = speaker == Speaker::User;
    let message = question.message(head.as_ref().map_or(1, |head| head.seq + 1), speaker);
    let chosen = head.as_ref().and_then(|head| head.model.as_deref());
    let fence = head.as_ref().map_or(0, |head| head.fence) + 1;
    let is_free = head.as_ref().is_none_or(SessionDocument::is_free);
    let new = question.run.as_ref().filter(|_| is_free && wants_answer);
    let run = new.map(|new| new.of(&message, fence, chosen));
    if let Some(head) = &head {
        let mut set = doc! {"seq": message.seq};
        if head.name.is_empty() {
            set.insert("name", &question.name);
        }
        if let Some(run) = &run {
            set.extend(doc! {"run": run.id.to_string(), "fence": run.fence});
        }
        let at = question.at.as_microsecond();
        let change = doc! {"$set": set, "$max": {"active": at}, "$inc": {"pending": i64::from(wants_answer)}};
        tx.change(&question.session, change).await?;
    } else {
        let session = SessionDocument::new(question, run.as_ref());
        tx.db
            .sessions
            .insert_one(session)
            .session(&mut *tx.session)
            .await?;
    }
    if message.replaces.is_some() {
        tx.forget_provider_state(&question.session).await?;
    }
    tx.insert(MessageDocument::question(
        &message,
        &question.admission.digest,
    ))
    .await?;
    let claim = match (new, run) {
        (Some(new), Some(run)) => Some(Box::new(
            tx.begin(RunDocument::new(&run, new), run, &message).await?,
        )),
        _ => None,
    };
    Ok(Appended::Stored { message, claim })
}

pub(super) async fn claim(
    mut tx: Tx<'_>,
    session: &SessionId,
    new: &NewRun,
) -> Result<Option<Claim>> {
    let head = tx.head(session).await?;
    let Some(head) = head.filter(|head| head.run.is_none() && head.pending > 0) else {
        return Ok(None);
    };
    let oldest =
        doc! {"session": session.as_str(), "seq": {"$gt": head.answered}, "sender": "user"};
    let question = tx.message(oldest).await?;
    let run = new.of(&question, head.fence + 1, head.model.as_deref());
    tx.hold(&run).await?;
    tx.begin(RunDocument::new(&run, new), run, &question)
        .await
        .map(Some)
}

/// Keeps what a run has produced, and its lease.
pub(super) async fn checkpoint(db: &Collections, run: &Run, change: Document) -> Result<Kept> {
    let kept = db
        .runs
        .clone_with_type::<Document>()
        .find_one_and_update(of_fence(run), doc! {"$set": change})
        .projection(doc! {"cancelled": 1})
        .await?;
    Ok(match kept {
        None => Kept::Lost,
        Some(run) if run.get_bool("cancelled").unwrap_or(false) => Kept::Cancelled,
        Some(_) => Kept::Kept,
    })
}

/// Changes a run of this fence. It exists only while its session names it, so no transaction is needed.
pub(super) async fn keep(db: &Collections, run: &Run, change: Document) -> Result<bool> {
    let kept = db
        .runs
        .update_one(of_fence(run), doc! {"$set": change})
        .await?;
    Ok(kept.matched_count == 1)
}

pub(super) async fn finish(
    tx: &mut Tx<'_>,
    run: &Run,
    answer: &Answer,
    outbox: &[OutboxEntry],
) -> Result<Option<Message>> {
    let head = tx.head(&run.session).await?;
    let Some(head) = head.filter(|head| head.is_held_by(run)) else {
        // It may have been this very answer: its commit succeeded, and the reply was lost.
        return tx.find(doc! {"_id": answer.id.to_string()}).await;
    };
    let change = doc! {
        "$set": {"run": null, "seq": head.seq + 1, "answered": run.question},
        "$max": {"active": answer.at.as_microsecond(), "answer_ms_max": answer.took_ms},
        "$inc": {"pending": -1, "tokens": answer.tokens, "answers": 1, "answer_ms_sum": answer.took_ms},
    };
    tx.change(&run.session, change).await?;
    tx.db
        .runs
        .delete_one(of_fence(run))
        .session(&mut *tx.session)
        .await?;
    let message = answer.message(run, head.seq + 1);
    tx.insert(MessageDocument::answer(&message)).await?;
    if let Some(state) = &answer.provider_state {
        tx.db
            .provider_state
            .update_one(
                doc! {"_id": state_id(run, &answer.model)},
                doc! {"$set": {"state": state, "seq": message.seq}},
            )
            .upsert(true)
            .session(&mut *tx.session)
            .await?;
    }
    if !outbox.is_empty() {
        let entries = outbox.iter().map(OutboxDocument::new);
        tx.db
            .outbox
            .insert_many(entries)
            .session(&mut *tx.session)
            .await?;
    }
    Ok(Some(message))
}

pub(super) async fn take_over(
    mut tx: Tx<'_>,
    run: &Run,
    new: &NewRun,
    now: i64,
) -> Result<Option<Claim>> {
    let head = tx.head(&run.session).await?;
    let Some(head) = head.filter(|head| head.is_held_by(run)) else {
        return Ok(None);
    };
    let mut ended = of_fence(run);
    ended.insert("lease", doc! {"$lt": now});
    let freed = tx
        .db
        .runs
        .find_one_and_delete(ended)
        .session(&mut *tx.session)
        .await?;
    let Some(freed) = freed else {
        return Ok(None);
    };
    let question = doc! {"session": run.session.as_str(), "seq": run.question};
    let question = tx.message(question).await?;
    let successor = new.of(&question, run.fence + 1, head.model.as_deref());
    tx.hold(&successor).await?;
    let document = RunDocument::new(&successor, new).after(freed);
    tx.begin(document, successor, &question).await.map(Some)
}

pub(super) async fn remove_from_outbox(db: &Collections, id: MessageId) -> Result<()> {
    db.outbox.delete_one(doc! {"_id": id.to_string()}).await?;
    Ok(())
}

/// The key of the database's digests; `proposed` if it has none yet.
pub(super) async fn digest_key(db: &Collections, proposed: DigestKey) -> Result<DigestKey> {
    let value = doc! {"value": binary(proposed.as_bytes())};
    let kept = set_once(&db.meta, DIGEST_KEY, value).await?;
    let bytes = match kept.get("value") {
        Some(Bson::Binary(value)) => value.bytes.as_slice().try_into().ok(),
        _ => None,
    };
    bytes
        .map(DigestKey::from_bytes)
        .ok_or_else(|| unreadable(DIGEST_KEY))
}

/// Keeps `value` under this id unless there is one, and returns what is kept. Of many that do it at once one succeeds.
pub(super) async fn set_once(
    meta: &Collection<Document>,
    id: &'static str,
    value: Document,
) -> Result<Document> {
    let set = meta
        .update_one(doc! {"_id": id}, doc! {"$setOnInsert": value})
        .upsert(true)
        .await;
    match set {
        // Somebody else was faster.
        Err(error) if !error::is_duplicate_key(&error) => return Err(error),
        _ => {}
    }
    let kept = meta.find_one(doc! {"_id": id}).await?;
    kept.ok_or_else(|| unreadable(id))
}

impl Tx<'_> {
    pub(super) async fn head(&mut self, session: &SessionId) -> Result<Option<SessionDocument>> {
        self.db
            .sessions
            .find_one(doc! {"_id": session.as_str()})
            .session(&mut *self.session)
            .await
    }

    pub(super) async fn change(&mut self, session: &SessionId, change: Document) -> Result<()> {
        self.db
            .sessions
            .update_one(doc! {"_id": session.as_str()}, change)
            .session(&mut *self.session)
            .await?;
        Ok(())
    }

    /// Gives the session to `run`.
    pub(super) async fn hold(&mut self, run: &Run) -> Result<()> {
        let change = doc! {"$set": {"run": run.id.to_string(), "fence": run.fence}};
        self.change(&run.session, change).await
    }

    pub(super) async fn insert(&mut self, message: MessageDocument) -> Result<()> {
        self.db
            .messages
            .insert_one(message)
            .session(&mut *self.session)
            .await?;
        Ok(())
    }

    pub(super) async fn begin(
        &mut self,
        document: RunDocument,
        run: Run,
        question: &Message,
    ) -> Result<Claim> {
        self.db
            .runs
            .insert_one(document)
            .session(&mut *self.session)
            .await?;
        let state = self
            .db
            .provider_state
            .find_one(doc! {"_id": state_id(&run, &run.model)})
            .session(&mut *self.session)
            .await?;
        let provider_state = match state {
            Some(state) if self.knows_all(&run, &state).await? => {
                let state = state.get_str("state").map_err(|_| unreadable("state"))?;
                Some(state.to_owned())
            }
            _ => None,
        };
        Ok(Claim {
            run,
            question: question.clone(),
            provider_state,
        })
    }

    /// Whether no other model has answered since a provider asked to keep something.
    async fn knows_all(&mut self, run: &Run, state: &Document) -> Result<bool> {
        let others = doc! {
            "session": run.session.as_str(), "seq": {"$gt": state.get_i64("seq").unwrap_or(0)},
            "sender": "ai", "answer.model": {"$ne": &run.model},
        };
        Ok(self.newest(others).await?.is_none())
    }

    /// Something was replaced that providers may have kept.
    pub(super) async fn forget_provider_state(&mut self, session: &SessionId) -> Result<()> {
        let of_session = |model: Bson| doc! {"session": session.as_str(), "model": model};
        let all =
            doc! {"_id": {"$gte": of_session(Bson::MinKey), "$lte": of_session(Bson::MaxKey)}};
        self.db
            .provider_state
            .delete_many(all)
            .session(&mut *self.session)
            .await?;
        Ok(())
    }

    /// The message that carries the question's client id already, and the digest of its content.
    async fn by_client_id(&mut self, question: &Question) -> Result<Option<(Message, Digest)>> {
        let Some(client_id) = &question.client_id else {
            return Ok(None);
        };
        let same = self
            .db
            .messages
            .find_one(doc! {"session": question.session.as_str(), "client_id": client_id})
            .session(&mut *self.session)
            .await?;
        let Some(same) = same else {
            return Ok(None);
        };
        let digest = same.digest()?;
        Ok(Some((same.message()?, digest)))
    }

    pub(super) async fn newest_question(&mut self, session: &SessionId) -> Result<Option<Message>> {
        self.newest(doc! {"session": session.as_str(), "sender": "user"})
            .await
    }

    /// The newest message that matches.
    pub(super) async fn newest(&mut self, filter: Document) -> Result<Option<Message>> {
        let found = self
            .db
            .messages
            .find_one(filter)
            .sort(doc! {"seq": -1})
            .session(&mut *self.session)
            .await?;
        found.map(MessageDocument::message).transpose()
    }

    /// The oldest message that matches.
    async fn find(&mut self, filter: Document) -> Result<Option<Message>> {
        let found = self
            .db
            .messages
            .find_one(filter)
            .sort(doc! {"seq": 1})
            .session(&mut *self.session)
            .await?;
        found.map(MessageDocument::message).transpose()
    }

    /// The same; it must exist.
    async fn message(&mut self, filter: Document) -> Result<Message> {
        let found = self.find(filter).await?;
        found.ok_or_else(|| unreadable("question"))
    }
}

fn of_fence(run: &Run) -> Document {
    doc! {"_id": run.id.to_string(), "fence": run.fence}
}

fn state_id(run: &Run, model: &str) -> Document {
    doc! {"session": run.session.as_str(), "model": model}
}
