//! Texts one by one, for a cipher.

use rusqlite::{Connection, OptionalExtension, Result, Row, ToSql, params};

use crate::store::values::{Place, PlaceKind, Replacement, Value};

pub(super) fn values(
    connection: &Connection,
    after: Option<&Place>,
    limit: usize,
) -> Result<Vec<Value>> {
    for kind in PlaceKind::behind(after) {
        let found = of_kind(
            connection,
            kind,
            after.filter(|place| place.kind() == kind),
            limit,
        )?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// How many of the texts were still the old ones.
pub(super) fn replace(tx: &Connection, replacements: &[Replacement]) -> Result<usize> {
    let mut replaced = 0;
    for Replacement { place, old, new } in replacements {
        replaced += match place {
            Place::Name { session } => tx
                .prepare_cached("UPDATE sessions SET name = ?3 WHERE id = ?1 AND name = ?2")?
                .execute([session, old, new])?,
            Place::Content { session, seq, .. } => tx
                .prepare_cached(
                    "UPDATE messages SET content = ?4 WHERE session = ?1 AND seq = ?2 AND content = ?3",
                )?
                .execute(params![session, seq, old, new])?,
            Place::Checkpoint { run, .. } => tx
                .prepare_cached(
                    "UPDATE runs SET checkpoint = ?3 WHERE id = ?1 AND checkpoint = ?2",
                )?
                .execute([run, old, new])?,
            Place::ProviderState { session, model } => tx
                .prepare_cached(
                    "UPDATE provider_state SET state = ?4 WHERE session = ?1 AND model = ?2 AND state = ?3",
                )?
                .execute([session, model, old, new])?,
            Place::Payload { id, .. } => tx
                .prepare_cached("UPDATE outbox SET payload = ?3 WHERE id = ?1 AND payload = ?2")?
                .execute([id, old, new])?,
        };
    }
    Ok(replaced)
}

pub(super) fn record(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(super) fn replace_record(
    tx: &Connection,
    name: &str,
    old: Option<&[u8]>,
    new: &[u8],
) -> Result<bool> {
    let changed = match old {
        None => tx
            .prepare_cached(
                "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![name, new])?,
        Some(old) => tx
            .prepare_cached("UPDATE meta SET value = ?3 WHERE name = ?1 AND value = ?2")?
            .execute(params![name, old, new])?,
    };
    Ok(changed == 1)
}

fn of_kind(
    connection: &Connection,
    kind: PlaceKind,
    after: Option<&Place>,
    limit: usize,
) -> Result<Vec<Value>> {
    let nothing = (String::new(), String::new(), 0);
    let (first, second, seq) = after.map_or(nothing, bounds);
    match kind {
        PlaceKind::Name => read(
            connection,
            "SELECT id, name FROM sessions WHERE id > ?1 AND name <> '' ORDER BY id LIMIT ?2",
            &[&first, &limit],
            |row| {
                value(
                    row,
                    Place::Name {
                        session: row.get(0)?,
                    },
                    1,
                )
            },
        ),
        PlaceKind::Content => read(
            connection,
            "SELECT session, seq, id, content FROM messages WHERE (session, seq) > (?1, ?2)
             ORDER BY session, seq LIMIT ?3",
            &[&first, &seq, &limit],
            |row| {
                let (session, seq, id) = (row.get(0)?, row.get(1)?, row.get(2)?);
                value(row, Place::Content { session, seq, id }, 3)
            },
        ),
        PlaceKind::Checkpoint => read(
            connection,
            "SELECT id, session, question, checkpoint FROM runs WHERE id > ?1 AND checkpoint <> ''
             ORDER BY id LIMIT ?2",
            &[&first, &limit],
            |row| {
                let (run, session, question) = (row.get(0)?, row.get(1)?, row.get(2)?);
                value(
                    row,
                    Place::Checkpoint {
                        run,
                        session,
                        question,
                    },
                    3,
                )
            },
        ),
        PlaceKind::ProviderState => read(
            connection,
            "SELECT session, model, state FROM provider_state WHERE (session, model) > (?1, ?2)
             ORDER BY session, model LIMIT ?3",
            &[&first, &second, &limit],
            |row| {
                let (session, model) = (row.get(0)?, row.get(1)?);
                value(row, Place::ProviderState { session, model }, 2)
            },
        ),
        PlaceKind::Payload => read(
            connection,
            "SELECT id, session, payload FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2",
            &[&first, &limit],
            |row| {
                let (id, session) = (row.get(0)?, row.get(1)?);
                value(row, Place::Payload { id, session }, 2)
            },
        ),
    }
}

/// What a place is sorted by.
fn bounds(place: &Place) -> (String, String, i64) {
    match place.clone() {
        Place::Name { session } => (session, String::new(), 0),
        Place::Content { session, seq, .. } => (session, String::new(), seq),
        Place::Checkpoint { run, .. } => (run, String::new(), 0),
        Place::ProviderState { session, model } => (session, model, 0),
        Place::Payload { id, .. } => (id, String::new(), 0),
    }
}

fn read(
    connection: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
    value: impl Fn(&Row<'_>) -> Result<Value>,
) -> Result<Vec<Value>> {
    connection
        .prepare_cached(sql)?
        .query_map(params, value)?
        .collect()
}

fn value(row: &Row<'_>, place: Place, column: usize) -> Result<Value> {
    let text = row.get(column)?;
    Ok(Value { place, text })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::schema;
    use super::*;

    /// Texts that are sealed. Each has a kind of place above.
    const SEALED: [&str; 5] = [
        "messages.content",
        "outbox.payload",
        "provider_state.state",
        "runs.checkpoint",
        "sessions.name",
    ];
    /// Texts that nobody has written: ids, words of closed sets, and what tokens say of members of staff.
    const OPEN: [&str; 25] = [
        "messages.agent",
        "messages.agent_name",
        "messages.client_id",
        "messages.id",
        "messages.kind",
        "messages.model",
        "messages.run",
        "messages.sender",
        "messages.session",
        "messages.status",
        "meta.name",
        "outbox.id",
        "outbox.session",
        "provider_state.model",
        "provider_state.session",
        "runs.id",
        "runs.model",
        "runs.owner",
        "runs.session",
        "sessions.assignee",
        "sessions.assignee_name",
        "sessions.id",
        "sessions.model",
        "sessions.run",
        "sessions.user",
    ];

    #[test]
    fn a_text_column_is_sealed_or_holds_nothing_that_people_write() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let mut columns = connection
            .prepare(
                "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
                 WHERE t.type = 'table' AND c.type = 'TEXT'",
            )
            .unwrap();
        let found = columns.query_map([], |row| row.get(0)).unwrap();
        let found: BTreeSet<String> = found.map(Result::unwrap).collect();
        let known = SEALED.into_iter().chain(OPEN).map(ToOwned::to_owned);
        assert_eq!(found, known.collect());
    }
}
