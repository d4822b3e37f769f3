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
            "SELECT {SESSION} FROM sessions WHERE user = ?1 AND seq > 0 ORDER BY active DESC LIMIT ?2"
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
            "SELECT {RUN}, checkpoint, attempts, cancelled FROM runs WHERE lease < ?1"
        ))?
        .query_map([now], |row| {
            Ok(Abandoned {
                run: rows::run(row)?,
                text: row.get("checkpoint")?,
                attempts: row.get("attempts")?,
                is_cancelled: row.get("cancelled")?,
            })
        })
        .and_then(|rows| readable(rows, limit))
}

pub(super) fn waiting(connection: &Connection, limit: usize) -> Result<Vec<SessionId>> {
    connection
        .prepare_cached(
            "SELECT id FROM (
                 SELECT id, row_number() OVER (PARTITION BY user ORDER BY active, id) AS place
                 FROM sessions WHERE pending > 0 AND run IS NULL)
             ORDER BY place, random()",
        )?
        .query_map([], rows::session_id)
        .and_then(|rows| readable(rows, limit))
}

/// So many rows that this release can read: one that it cannot read must not keep others from being found.
fn readable<T>(rows: impl Iterator<Item = Result<T>>, limit: usize) -> Result<Vec<T>> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Err(cause @ (Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..))) => {
                unreadable.push(cause);
            }
            row => found.push(row?),
        }
        if found.len() == limit {
            break;
        }
    }
    if let Some(cause) = unreadable.first() {
        tracing::error!(rows = unreadable.len(), %cause, "rows of the database cannot be read; they are left alone");
    }
    Ok(found)
}

pub(super) fn outbox(connection: &Connection, limit: usize) -> Result<Vec<OutboxEntry>> {
    connection
        .prepare_cached("SELECT id, session, payload FROM outbox ORDER BY id LIMIT ?1")?
        .query_map([limit], rows::outbox_entry)?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;
    use crate::chat::MessageId;

    /// As a newer release may leave them.
    #[test]
    fn rows_that_cannot_be_read_hide_no_others() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let id = MessageId::new().to_string();
        for (session, id) in [("a/", "!a"), ("b/", "!b"), ("c/", "!c"), ("z", &id)] {
            connection
                .execute(
                    "INSERT INTO sessions (id, user, name, seq, fence, answered, pending, created, active,
                        tokens, answers, answer_ms_sum, answer_ms_max)
                     VALUES (?1, ?1, '', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)",
                    [session],
                )
                .unwrap();
            connection
                .execute(
                    "INSERT INTO runs (id, session, question, fence, model, checkpoint, owner)
                     VALUES (?2, ?1, 1, 1, 'm', '', ?2)",
                    [session, id],
                )
                .unwrap();
        }
        let found = waiting(&connection, 1).unwrap();
        assert_eq!(
            found.iter().map(SessionId::as_str).collect::<Vec<_>>(),
            ["z"]
        );
        let left = abandoned(&connection, 1, 1).unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].run.session.as_str(), "z");
    }
}
