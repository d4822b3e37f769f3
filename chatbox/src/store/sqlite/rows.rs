//! Rows to values.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, Type};
use rusqlite::{Error, Result, Row};

use crate::chat::{
    Agent, Answered, Kind, Message, MessageId, OwnerId, Run, RunId, Sender, Session, SessionId,
    Status,
};
use crate::store::OutboxEntry;

/// Columns of [`message`], in its order.
pub(super) const MESSAGE: &str = "id, session, seq, client_id, sender, content, at, run, fence, question, status, model, replaces, kind, agent, \
     agent_name";
/// Columns of [`session`], in its order.
pub(super) const SESSION: &str = "id, user, name, model, seq, created, active, tokens, answers, answer_ms_sum, answer_ms_max, \
     assignee, assignee_name, assisted, help, fence";
/// Columns of [`run`], in its order.
pub(super) const RUN: &str = "id, session, question, fence, model, owner";

pub(super) fn message(row: &Row<'_>) -> Result<Message> {
    Ok(Message {
        id: text(row, 0, MessageId::parse)?,
        session: text(row, 1, SessionId::parse)?,
        seq: row.get(2)?,
        client_id: row.get(3)?,
        sender: text(row, 4, Sender::parse)?,
        content: row.get(5)?,
        at: time(row, 6)?,
        replaces: row.get(12)?,
        kind: text(row, 13, |kind| Kind::parse(kind, row.get(8).ok()))?,
        agent: agent(row, 14)?,
        answer: answered(row)?,
    })
}

fn answered(row: &Row<'_>) -> Result<Option<Answered>> {
    if row.get_ref(7)? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    Ok(Some(Answered {
        run: text(row, 7, RunId::parse)?,
        fence: row.get(8)?,
        question: row.get(9)?,
        status: text(row, 10, Status::parse)?,
        model: row.get(11)?,
    }))
}

pub(super) fn session(row: &Row<'_>) -> Result<Session> {
    Ok(Session {
        id: text(row, 0, SessionId::parse)?,
        user: row.get(1)?,
        name: row.get(2)?,
        model: row.get(3)?,
        seq: row.get(4)?,
        created: time(row, 5)?,
        active: time(row, 6)?,
        tokens: row.get(7)?,
        answers: row.get(8)?,
        answer_ms_sum: row.get(9)?,
        answer_ms_max: row.get(10)?,
        assignee: agent(row, 11)?,
        fence: row.get(15)?,
        is_assisted: row.get(13)?,
        help_since: row
            .get::<_, Option<i64>>(14)?
            .map(|_| time(row, 14))
            .transpose()?,
    })
}

/// Id and name, in this column and the next.
fn agent(row: &Row<'_>, column: usize) -> Result<Option<Agent>> {
    let Some(id) = row.get(column)? else {
        return Ok(None);
    };
    let name = row.get(column + 1)?;
    Ok(Some(Agent { id, name }))
}

pub(super) fn run(row: &Row<'_>) -> Result<Run> {
    Ok(Run {
        id: text(row, 0, RunId::parse)?,
        session: text(row, 1, SessionId::parse)?,
        question: row.get(2)?,
        fence: row.get(3)?,
        model: row.get(4)?,
        owner: text(row, 5, OwnerId::parse)?,
    })
}

pub(super) fn session_id(row: &Row<'_>) -> Result<SessionId> {
    text(row, 0, SessionId::parse)
}

pub(super) fn outbox_entry(row: &Row<'_>) -> Result<OutboxEntry> {
    Ok(OutboxEntry {
        id: text(row, 0, MessageId::parse)?,
        session: text(row, 1, SessionId::parse)?,
        payload: row.get(2)?,
    })
}

fn text<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text = String::column_result(row.get_ref(column)?)?;
    parse(&text).ok_or_else(|| {
        let cause = FromSqlError::Other(
            format!("column {column} holds what this release does not know").into(),
        );
        Error::FromSqlConversionFailure(column, Type::Text, Box::new(cause))
    })
}

fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    let micros = row.get(column)?;
    Timestamp::from_microsecond(micros)
        .map_err(|cause| Error::FromSqlConversionFailure(column, Type::Integer, Box::new(cause)))
}
