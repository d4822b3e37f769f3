//! Changes, one function each. Each runs alone, inside the writer's transaction.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{self, MESSAGE, RUN};
use crate::chat::{
    Digest, Facts, Message, MessageId, Newest, Parties, Run, SessionId, Speaker, Verdict,
};
use crate::store::{Answer, Appended, Claim, Kept, NewRun, OutboxEntry, Question};

/// What an operation needs to know of a session.
pub(super) struct Head {
    pub(super) user: String,
    pub(super) model: Option<String>,
    pub(super) assignee: Option<String>,
    pub(super) asks_for_help: bool,
    has_name: bool,
    pub(super) fence: i64,
    answered: i64,
    pending: usize,
    /// The run at work.
    pub(super) run: Option<String>,
}

impl Head {
    pub(super) fn parties(&self) -> Parties<'_> {
        Parties {
            owner: &self.user,
            assignee: self.assignee.as_deref(),
        }
    }

    /// Nothing is under way.
    pub(super) fn is_free(&self) -> bool {
        self.run.is_none() && self.pending == 0
    }

    /// Whether the session still belongs to this run.
    pub(super) fn is_held_by(&self, run: &Run) -> bool {
        self.fence == run.fence && self.run.as_deref() == Some(run.id.to_string().as_str())
    }
}

/// What a run has produced so far, if it is to be kept, and until when it belongs to its process.
pub(super) struct Checkpoint {
    pub(super) run: Run,
    pub(super) text: Option<String>,
    /// Microseconds since 1970.
    pub(super) lease: i64,
}

/// What was done for a question before a run begins, the run itself counted as an attempt.
#[derive(Clone, Copy)]
pub(super) struct Begun<'a> {
    checkpoint: &'a str,
    attempts: u32,
}

pub(super) const FIRST: Begun<'static> = Begun {
    checkpoint: "",
    attempts: 1,
};

pub(super) fn append(tx: &Connection, question: &Question) -> Result<Appended> {
    let head = head(tx, &question.session)?;
    let same = by_client_id(tx, question)?;
    let newest = match (&question.admission.replaces, &head) {
        (Some(_), Some(head)) => newest(tx, &question.session, head)?,
        _ => Newest::default(),
    };
    let facts = Facts {
        parties: head.as_ref().map(Head::parties),
        pending: head.as_ref().map_or(0, |head| head.pending),
        same_client_id: same.as_ref().map(|(_, digest)| *digest),
        newest,
    };
    let speaker = match (question.admission.judge(facts), same) {
        (Verdict::Reject(rejection), _) => return Ok(Appended::Rejected(rejection)),
        (Verdict::Duplicate, Some((message, _))) => return Ok(Appended::Duplicate(message)),
        (Verdict::Store(speaker), _) => speaker,
        (Verdict::Duplicate, None) => {
            unreachable!("without a stored message there is no digest to be the same")
        }
    };
    let is_free = head.as_ref().is_none_or(Head::is_free);
    let (fence, model) = head
        .as_ref()
        .map_or((0, None), |head| (head.fence, head.model.as_deref()));
    let at = question.at.as_microsecond();
    if head.is_none() {
        insert_session(tx, &question.session, &question.admission.author.user, at)?;
    }
    if head.as_ref().is_none_or(|head| !head.has_name) {
        tx.prepare_cached("UPDATE sessions SET name = ?2 WHERE id = ?1")?
            .execute(params![question.session.as_str(), question.name])?;
    }
    if question.admission.replaces.is_some() {
        forget_provider_state(tx, &question.session)?;
    }
    let wants_answer = speaker == Speaker::User;
    let seq = next_seq(tx, &question.session, at, i64::from(wants_answer))?;
    let message = question.message(seq, speaker);
    insert_message(tx, &message, Some(&question.admission.digest))?;
    let claim = match &question.run {
        Some(new) if is_free && wants_answer => {
            let run = new.of(&message, fence + 1, model);
            Some(Box::new(begin(tx, new, run, &message, FIRST)?))
        }
        _ => None,
    };
    Ok(Appended::Stored { message, claim })
}

pub(super) fn claim(tx: &Connection, session: &SessionId, run: &NewRun) -> Result<Option<Claim>> {
    let Some(head) = head(tx, session)?.filter(|head| head.run.is_none() && head.pending > 0)
    else {
        return Ok(None);
    };
    let question = tx
        .prepare_cached(&format!(
            "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND seq > ?2 AND sender = 'user' ORDER BY seq LIMIT 1"
        ))?
        .query_row(params![session.as_str(), head.answered], rows::message)?;
    let new = run.of(&question, head.fence + 1, head.model.as_deref());
    begin(tx, run, new, &question, FIRST).map(Some)
}

pub(super) fn begin_answer(tx: &Connection, run: &Run, text: &str) -> Result<bool> {
    if !is_held_by(tx, run)? {
        return Ok(false);
    }
    let kept = tx
        .prepare_cached("UPDATE runs SET checkpoint = ?3 WHERE id = ?1 AND fence = ?2")?
        .execute(params![run.id.to_string(), run.fence, text])?;
    Ok(kept == 1)
}

pub(super) fn checkpoint(tx: &Connection, checkpoint: &Checkpoint) -> Result<Kept> {
    let run = &checkpoint.run;
    let kept = tx
        .prepare_cached(
            "UPDATE runs SET checkpoint = coalesce(?3, checkpoint), lease = ?4 WHERE id = ?1 AND fence = ?2
                AND EXISTS (SELECT 1 FROM sessions WHERE id = ?5 AND run = ?1 AND fence = ?2)
             RETURNING cancelled",
        )?
        .query_row(
            params![
                run.id.to_string(),
                run.fence,
                checkpoint.text,
                checkpoint.lease,
                run.session.as_str()
            ],
            |row| Ok(if row.get(0)? { Kept::Cancelled } else { Kept::Kept }),
        )
        .optional()?;
    Ok(kept.unwrap_or(Kept::Lost))
}

pub(super) fn finish(
    tx: &Connection,
    run: &Run,
    answer: &Answer,
    outbox: &[OutboxEntry],
) -> Result<Option<Message>> {
    let freed = tx
        .prepare_cached(
            "UPDATE sessions SET run = NULL, answered = ?4, tokens = tokens + ?5, answers = answers + 1,
                answer_ms_sum = answer_ms_sum + ?6, answer_ms_max = max(answer_ms_max, ?6)
             WHERE id = ?1 AND run = ?2 AND fence = ?3",
        )?
        .execute(params![
            run.session.as_str(),
            run.id.to_string(),
            run.fence,
            run.question,
            answer.tokens,
            answer.took_ms
        ])?;
    if freed == 0 {
        return Ok(None);
    }
    tx.prepare_cached("DELETE FROM runs WHERE id = ?1")?
        .execute([run.id.to_string()])?;
    let seq = next_seq(tx, &run.session, answer.at.as_microsecond(), -1)?;
    let message = answer.message(run, seq);
    insert_message(tx, &message, None)?;
    if let Some(state) = &answer.provider_state {
        tx.prepare_cached(
            "INSERT INTO provider_state (session, model, state, seq) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = excluded.state, seq = excluded.seq",
        )?
        .execute(params![run.session.as_str(), answer.model, state, seq])?;
    }
    for entry in outbox {
        tx.prepare_cached("INSERT INTO outbox (id, session, payload) VALUES (?1, ?2, ?3)")?
            .execute(params![
                entry.id.to_string(),
                entry.session.as_str(),
                entry.payload
            ])?;
    }
    Ok(Some(message))
}

pub(super) fn take_over(
    tx: &Connection,
    run: &Run,
    new: &NewRun,
    now: i64,
) -> Result<Option<Claim>> {
    let Some(head) = head(tx, &run.session)?.filter(|head| head.is_held_by(run)) else {
        return Ok(None);
    };
    let freed = tx
        .prepare_cached(
            "DELETE FROM runs WHERE id = ?1 AND fence = ?2 AND lease < ?3 RETURNING checkpoint, attempts",
        )?
        .query_row(params![run.id.to_string(), run.fence, now], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
        })
        .optional()?;
    let Some((checkpoint, attempts)) = freed else {
        return Ok(None);
    };
    let question = tx
        .prepare_cached(&format!(
            "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND seq = ?2"
        ))?
        .query_row(params![run.session.as_str(), run.question], rows::message)?;
    let begun = Begun {
        checkpoint: &checkpoint,
        attempts: attempts.saturating_add(1),
    };
    let successor = new.of(&question, run.fence + 1, head.model.as_deref());
    begin(tx, new, successor, &question, begun).map(Some)
}

pub(super) fn remove_from_outbox(tx: &Connection, id: MessageId) -> Result<()> {
    tx.prepare_cached("DELETE FROM outbox WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

/// No process but this one has the file open, so the leases in it belong to processes that are gone.
pub(super) fn end_leases(connection: &Connection) -> Result<()> {
    connection.execute("UPDATE runs SET lease = 0", [])?;
    Ok(())
}

pub(super) fn head(tx: &Connection, session: &SessionId) -> Result<Option<Head>> {
    tx.prepare_cached(
        "SELECT user, model, assignee, help IS NOT NULL, name <> '', fence, answered, pending, run
         FROM sessions WHERE id = ?1",
    )?
    .query_row([session.as_str()], |row| {
        Ok(Head {
            user: row.get(0)?,
            model: row.get(1)?,
            assignee: row.get(2)?,
            asks_for_help: row.get(3)?,
            has_name: row.get(4)?,
            fence: row.get(5)?,
            answered: row.get(6)?,
            pending: row.get(7)?,
            run: row.get(8)?,
        })
    })
    .optional()
}

/// The end of a session.
pub(super) fn newest(tx: &Connection, session: &SessionId, head: &Head) -> Result<Newest> {
    let question: Option<i64> = tx
        .prepare_cached(
            "SELECT seq FROM messages WHERE session = ?1 AND sender = 'user' ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([session.as_str()], |row| row.get(0))
        .optional()?;
    let answer = tx
        .prepare_cached(
            "SELECT seq FROM messages WHERE session = ?1 AND seq > ?2 AND question = ?2 ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![session.as_str(), question], |row| row.get(0))
        .optional()?;
    Ok(Newest {
        is_busy: !head.is_free() || head.assignee.is_some(),
        question,
        answer,
    })
}

fn is_held_by(tx: &Connection, run: &Run) -> Result<bool> {
    Ok(head(tx, &run.session)?.is_some_and(|head| head.is_held_by(run)))
}

/// Gives the session to `run`.
pub(super) fn begin(
    tx: &Connection,
    new: &NewRun,
    run: Run,
    question: &Message,
    begun: Begun<'_>,
) -> Result<Claim> {
    tx.prepare_cached("UPDATE sessions SET run = ?2, fence = ?3 WHERE id = ?1")?
        .execute(params![run.session.as_str(), run.id.to_string(), run.fence])?;
    tx.prepare_cached(&format!(
        "INSERT INTO runs ({RUN}, lease, checkpoint, attempts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    ))?
    .execute(params![
        run.id.to_string(),
        run.session.as_str(),
        run.question,
        run.fence,
        run.model,
        run.owner.to_string(),
        new.lease.until.as_microsecond(),
        begun.checkpoint,
        begun.attempts
    ])?;
    let provider_state = provider_state(tx, &run.session, &run.model)?;
    Ok(Claim {
        run,
        question: question.clone(),
        provider_state,
    })
}

/// What the provider of this model asked to keep, unless another model has answered since.
fn provider_state(tx: &Connection, session: &SessionId, model: &str) -> Result<Option<String>> {
    tx.prepare_cached(
        "SELECT state FROM provider_state AS kept WHERE session = ?1 AND model = ?2 AND NOT EXISTS (
             SELECT 1 FROM messages AS m
             WHERE m.session = kept.session AND m.seq > kept.seq AND m.sender = 'ai' AND m.model <> kept.model)",
    )?
    .query_row(params![session.as_str(), model], |row| row.get(0))
    .optional()
}

/// Something was replaced that providers may have kept.
pub(super) fn forget_provider_state(tx: &Connection, session: &SessionId) -> Result<()> {
    tx.prepare_cached("DELETE FROM provider_state WHERE session = ?1")?
        .execute([session.as_str()])?;
    Ok(())
}

/// A session without a message, and so without a name. `at`: microseconds since 1970.
pub(super) fn insert_session(
    tx: &Connection,
    session: &SessionId,
    user: &str,
    at: i64,
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO sessions (id, user, name, seq, fence, answered, pending, created, active,
            tokens, answers, answer_ms_sum, answer_ms_max)
         VALUES (?1, ?2, '', 0, 0, 0, 0, ?3, ?3, 0, 0, 0, 0)",
    )?
    .execute(params![session.as_str(), user, at])?;
    Ok(())
}

/// The message that carries the question's client id already, and the digest of its content.
fn by_client_id(tx: &Connection, question: &Question) -> Result<Option<(Message, Digest)>> {
    let Some(client_id) = &question.client_id else {
        return Ok(None);
    };
    tx.prepare_cached(&format!(
        "SELECT {MESSAGE}, digest FROM messages WHERE session = ?1 AND client_id = ?2"
    ))?
    .query_row(params![question.session.as_str(), client_id], |row| {
        let digest = Digest::from_bytes(row.get("digest")?);
        Ok((rows::message(row)?, digest))
    })
    .optional()
}

/// The next number of a session, after a change of how many of its questions wait.
pub(super) fn next_seq(tx: &Connection, session: &SessionId, at: i64, pending: i64) -> Result<i64> {
    tx.prepare_cached(
        "UPDATE sessions SET seq = seq + 1, active = max(active, ?2), pending = pending + ?3 WHERE id = ?1
         RETURNING seq",
    )?
    .query_row(params![session.as_str(), at, pending], |row| row.get(0))
}

pub(super) fn insert_message(
    tx: &Connection,
    message: &Message,
    digest: Option<&Digest>,
) -> Result<()> {
    let answer = message.answer.as_ref();
    tx.prepare_cached(&format!(
        "INSERT INTO messages ({MESSAGE}, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    ))?
    .execute(params![
        message.id.to_string(),
        message.session.as_str(),
        message.seq,
        message.client_id,
        message.sender.as_str(),
        message.content,
        message.at.as_microsecond(),
        answer.map(|answer| answer.run.to_string()),
        answer.map_or_else(|| message.kind.fence(), |answer| Some(answer.fence)),
        answer.map(|answer| answer.question),
        answer.map(|answer| answer.status.as_str()),
        answer.map(|answer| &answer.model),
        message.replaces,
        message.kind.as_str(),
        message.agent.as_ref().map(|agent| &agent.id),
        message.agent.as_ref().map(|agent| &agent.name),
        digest.map(Digest::as_bytes),
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::schema;
    use super::*;
    use crate::chat::{Admission, Author, DigestKey, ModelIds, OwnerId, RunId};
    use crate::store::Lease;

    fn new_run() -> NewRun {
        NewRun {
            id: RunId::new(),
            models: ModelIds::new(["m".to_owned()]).unwrap(),
            lease: Lease {
                owner: OwnerId::new(),
                until: Timestamp::UNIX_EPOCH,
            },
        }
    }

    fn claimed(tx: &Connection) -> Run {
        let question = Question {
            id: MessageId::new(),
            session: SessionId::parse("s").unwrap(),
            client_id: None,
            content: "q".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            name: "q".to_owned(),
            admission: Admission {
                author: Author {
                    user: "u".to_owned(),
                    name: "u".to_owned(),
                    roles: Vec::new(),
                },
                digest: DigestKey::random().digest("q"),
                pending_max: 1,
                replaces: None,
            },
            run: Some(new_run()),
        };
        match append(tx, &question).unwrap() {
            Appended::Stored {
                claim: Some(claim), ..
            } => claim.run,
            other => panic!("not claimed: {other:?}"),
        }
    }

    /// The session says who holds it, whatever stands elsewhere.
    #[test]
    fn a_run_that_its_session_does_not_name_changes_nothing() {
        for change in [
            "UPDATE sessions SET fence = fence + 1",
            "UPDATE sessions SET run = 'another'",
            "UPDATE sessions SET run = NULL",
        ] {
            let mut tx = Connection::open_in_memory().unwrap();
            schema::migrate(&mut tx).unwrap();
            let run = claimed(&tx);
            let said = |text: &str| Checkpoint {
                run: run.clone(),
                text: Some(text.to_owned()),
                lease: 0,
            };
            assert_eq!(checkpoint(&tx, &said("a")).unwrap(), Kept::Kept);
            tx.execute(change, []).unwrap();
            let late = checkpoint(&tx, &said("b")).unwrap();
            assert_eq!(late, Kept::Lost, "{change}");
            assert!(!begin_answer(&tx, &run, "c").unwrap(), "{change}");
            let taken = take_over(&tx, &run, &new_run(), 1).unwrap();
            assert!(taken.is_none(), "{change}");
            let kept: String = tx
                .query_row("SELECT checkpoint FROM runs", [], |row| row.get(0))
                .unwrap();
            assert_eq!(kept, "a", "{change}");
        }
    }
}
