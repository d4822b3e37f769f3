//! Queries, one function each.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::{self, MESSAGE, RUN, SESSION};
use crate::chat::{Message, Session, SessionId};
use crate::store::{Abandoned, Page};

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

/// The file has one process, so a run that is open when it starts belongs to nobody.
pub(super) fn open_runs(connection: &Connection) -> Result<Vec<Abandoned>> {
    connection
        .prepare_cached(&format!("SELECT {RUN}, checkpoint FROM runs"))?
        .query_map([], |row| {
            Ok(Abandoned {
                run: rows::run(row)?,
                text: row.get("checkpoint")?,
            })
        })?
        .collect()
}

pub(super) fn waiting(connection: &Connection) -> Result<Vec<SessionId>> {
    connection
        .prepare_cached(
            "SELECT id FROM sessions AS s WHERE run IS NULL AND EXISTS (
                SELECT 1 FROM messages WHERE session = s.id AND seq > s.answered AND sender = 'user')",
        )?
        .query_map([], |row| row.get::<_, String>(0))?
        .filter_map(|id| id.map(|id| SessionId::parse(&id)).transpose())
        .collect()
}
