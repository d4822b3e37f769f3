//! Queries, one function each.

use rusqlite::{Connection, Error, OptionalExtension, Result, params};

use super::rows::{self, MESSAGE, RUN, SESSION};
use crate::chat::{Message, Session, SessionId};
use crate::store::{Abandoned, OutboxEntry, Page};

pub(super) fn session(connection: &Connection, id: &SessionId) -> Result<Option<Session>> {
    connection
        .prepare_cached(&format!("SELECT {SESSION} FROM sessions WHERE id = ?1"))?
        .query_row([id.as_str()], rows::session)
        .optional()
}

pub(super) fn sessions(connection: &Connection, user: &str, limit: usize) -> Result<Vec<Session>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SESSION} FROM sessions WHERE user = ?1 ORDER BY active DESC LIMIT ?2"
        ))?
        .query_map(params![user, limit], rows::session)?
        .collect()
}

pub(super) fn messages_after(
    connection: &Connection,
    id: &SessionId,
    after: i64,
    page: Page,
) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    ))?;
    let rows = statement.query_map(params![id.as_str(), after, page.messages], rows::message)?;
    take(rows, page.bytes)
}

pub(super) fn messages_before(
    connection: &Connection,
    id: &SessionId,
    before: i64,
    page: Page,
) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {MESSAGE} FROM messages WHERE session = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
    ))?;
    let rows = statement.query_map(params![id.as_str(), before, page.messages], rows::message)?;
    let mut newest_first = take(rows, page.bytes)?;
    newest_first.reverse();
    Ok(newest_first)
}

/// The first messages that together have at most so many bytes; one at least.
fn take(rows: impl Iterator<Item = Result<Message>>, bytes: usize) -> Result<Vec<Message>> {
    let (mut taken, mut size) = (Vec::new(), 0);
    for message in rows {
        let message = message?;
        size += message.content.len();
        if size > bytes && !taken.is_empty() {
            break;
        }
        taken.push(message);
    }
    Ok(taken)
}

/// Runs whose lease ended before `now`, in microseconds since 1970.
pub(super) fn abandoned(connection: &Connection, now: i64, limit: usize) -> Result<Vec<Abandoned>> {
    connection
        .prepare_cached(&format!(
            "SELECT {RUN}, checkpoint FROM runs WHERE lease < ?1 LIMIT ?2"
        ))?
        .query_map(params![now, limit], |row| {
            Ok(Abandoned {
                run: rows::run(row)?,
                text: row.get("checkpoint")?,
            })
        })?
        .filter_map(readable)
        .collect()
}

pub(super) fn waiting(connection: &Connection, limit: usize) -> Result<Vec<SessionId>> {
    connection
        .prepare_cached(
            "SELECT id FROM sessions WHERE pending > 0 AND run IS NULL ORDER BY random() LIMIT ?1",
        )?
        .query_map([limit], rows::session_id)?
        .filter_map(readable)
        .collect()
}

/// Leaves out a row that this release cannot read: it must not keep others from being found.
fn readable<T>(row: Result<T>) -> Option<Result<T>> {
    match row {
        Err(cause @ (Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..))) => {
            tracing::error!(%cause, "a row of the database cannot be read; it is left alone");
            None
        }
        row => Some(row),
    }
}

pub(super) fn outbox(connection: &Connection, limit: usize) -> Result<Vec<OutboxEntry>> {
    connection
        .prepare_cached("SELECT id, session, payload FROM outbox ORDER BY id LIMIT ?1")?
        .query_map([limit], rows::outbox_entry)?
        .collect()
}
