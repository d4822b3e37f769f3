//! Changes, one function each. Each runs alone, inside the writer's transaction.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{self, MESSAGE};
use crate::chat::message::Answered;
use crate::chat::title::title;
use crate::chat::{Message, Run, RunId, Sender, SessionId};
use crate::store::{Answer, AppendError, Appended, Claim, NewRun, Question};

pub(super) fn append(
    tx: &Connection,
    question: &Question,
) -> Result<Result<Appended, AppendError>> {
    let owner: Option<String> = tx
        .prepare_cached("SELECT user FROM sessions WHERE id = ?1")?
        .query_row([question.session.as_str()], |row| row.get(0))
        .optional()?;
    match owner {
        Some(owner) if owner != question.user => return Ok(Err(AppendError::NotOwner)),
        Some(_) => {}
        None => insert_session(tx, question)?,
    }
    if let Some(message) = by_client_id(tx, question)? {
        return Ok(if message.content == question.content {
            Ok(Appended {
                message,
                duplicate: true,
            })
        } else {
            Err(AppendError::ClientIdTaken)
        });
    }
    if pending(tx, &question.session)? >= question.pending_max {
        return Ok(Err(AppendError::TooManyPending));
    }
    let seq = next_seq(tx, &question.session, question.at.as_microsecond())?;
    let message = asked(question, seq);
    insert_message(tx, &message)?;
    Ok(Ok(Appended {
        message,
        duplicate: false,
    }))
}

pub(super) fn claim(tx: &Connection, session: &SessionId, run: &NewRun) -> Result<Option<Claim>> {
    let free: Option<(i64, i64)> = tx
        .prepare_cached("SELECT answered, fence FROM sessions WHERE id = ?1 AND run IS NULL")?
        .query_row([session.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((answered, fence)) = free else {
        return Ok(None);
    };
    let question = tx
        .prepare_cached(&format!(
            "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND seq > ?2 AND sender = 'user' ORDER BY seq LIMIT 1"
        ))?
        .query_row(params![session.as_str(), answered], rows::message)
        .optional()?;
    let Some(question) = question else {
        return Ok(None);
    };
    let fence = fence + 1;
    tx.prepare_cached("UPDATE sessions SET run = ?2, fence = ?3 WHERE id = ?1")?
        .execute(params![session.as_str(), run.id.to_string(), fence])?;
    tx.prepare_cached(
        "INSERT INTO runs (id, session, question, fence, model, checkpoint) VALUES (?1, ?2, ?3, ?4, ?5, '')",
    )?
    .execute(params![
        run.id.to_string(),
        session.as_str(),
        question.seq,
        fence,
        run.model
    ])?;
    let run = Run {
        id: run.id,
        session: session.clone(),
        question: question.seq,
        fence,
        model: run.model.clone(),
    };
    Ok(Some(Claim { run, question }))
}

pub(super) fn checkpoint(tx: &Connection, run: RunId, text: &str) -> Result<()> {
    tx.prepare_cached("UPDATE runs SET checkpoint = ?2 WHERE id = ?1")?
        .execute(params![run.to_string(), text])?;
    Ok(())
}

pub(super) fn finish(tx: &Connection, run: &Run, answer: &Answer) -> Result<Option<Message>> {
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
    close(tx, run.id)?;
    let message = Message {
        id: answer.id,
        session: run.session.clone(),
        seq: next_seq(tx, &run.session, answer.at.as_microsecond())?,
        client_id: None,
        sender: Sender::Ai,
        content: answer.content.clone(),
        at: answer.at,
        answer: Some(Answered {
            run: run.id,
            fence: run.fence,
            question: run.question,
            status: answer.status,
            model: run.model.clone(),
        }),
    };
    insert_message(tx, &message)?;
    Ok(Some(message))
}

pub(super) fn release(tx: &Connection, run: RunId) -> Result<()> {
    tx.prepare_cached("UPDATE sessions SET run = NULL WHERE run = ?1")?
        .execute([run.to_string()])?;
    close(tx, run)
}

fn close(tx: &Connection, run: RunId) -> Result<()> {
    tx.prepare_cached("DELETE FROM runs WHERE id = ?1")?
        .execute([run.to_string()])?;
    Ok(())
}

fn asked(question: &Question, seq: i64) -> Message {
    Message {
        id: question.id,
        session: question.session.clone(),
        seq,
        client_id: question.client_id.clone(),
        sender: Sender::User,
        content: question.content.clone(),
        at: question.at,
        answer: None,
    }
}

fn insert_session(tx: &Connection, question: &Question) -> Result<()> {
    let at = question.at.as_microsecond();
    tx.prepare_cached(
        "INSERT INTO sessions (id, user, name, seq, fence, answered, created, active,
            tokens, answers, answer_ms_sum, answer_ms_max)
         VALUES (?1, ?2, ?3, 0, 0, 0, ?4, ?4, 0, 0, 0, 0)",
    )?
    .execute(params![
        question.session.as_str(),
        question.user,
        title(&question.content),
        at
    ])?;
    Ok(())
}

fn by_client_id(tx: &Connection, question: &Question) -> Result<Option<Message>> {
    let Some(client_id) = &question.client_id else {
        return Ok(None);
    };
    tx.prepare_cached(&format!(
        "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND client_id = ?2"
    ))?
    .query_row(params![question.session.as_str(), client_id], rows::message)
    .optional()
}

fn pending(tx: &Connection, session: &SessionId) -> Result<usize> {
    tx.prepare_cached(
        "SELECT count(*) FROM messages AS m JOIN sessions AS s ON s.id = m.session
         WHERE m.session = ?1 AND m.seq > s.answered AND m.sender = 'user'",
    )?
    .query_row([session.as_str()], |row| row.get(0))
}

fn next_seq(tx: &Connection, session: &SessionId, at: i64) -> Result<i64> {
    tx.prepare_cached(
        "UPDATE sessions SET seq = seq + 1, active = max(active, ?2) WHERE id = ?1 RETURNING seq",
    )?
    .query_row(params![session.as_str(), at], |row| row.get(0))
}

fn insert_message(tx: &Connection, message: &Message) -> Result<()> {
    let answer = message.answer.as_ref();
    tx.prepare_cached(&format!(
        "INSERT INTO messages ({MESSAGE}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
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
        answer.map(|answer| answer.fence),
        answer.map(|answer| answer.question),
        answer.map(|answer| answer.status.as_str()),
        answer.map(|answer| &answer.model),
    ])?;
    Ok(())
}
