//! Tables, and how an older file becomes one of this release.

use anyhow::ensure;
use rusqlite::{Connection, Transaction, params};

use super::meta;

/// One step a version, applied in order; a released step is never changed.
const MIGRATIONS: [Migration; 4] = [
    Migration {
        script: VERSION_1,
        then: None,
    },
    Migration {
        script: VERSION_2,
        then: Some(digest_contents),
    },
    Migration {
        script: VERSION_3,
        then: None,
    },
    Migration {
        script: VERSION_4,
        then: None,
    },
];

struct Migration {
    script: &'static str,
    /// What SQL alone cannot do.
    then: Option<fn(&Transaction<'_>) -> rusqlite::Result<()>>,
}

/// Release 0.1.0.
const VERSION_1: &str = "
    CREATE TABLE sessions (
        id            TEXT PRIMARY KEY,
        user          TEXT NOT NULL,
        name          TEXT NOT NULL,
        seq           INTEGER NOT NULL,
        fence         INTEGER NOT NULL,
        run           TEXT,
        answered      INTEGER NOT NULL,
        created       INTEGER NOT NULL,
        active        INTEGER NOT NULL,
        tokens        INTEGER NOT NULL,
        answers       INTEGER NOT NULL,
        answer_ms_sum INTEGER NOT NULL,
        answer_ms_max INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_of_user ON sessions (user, active DESC);

    CREATE TABLE messages (
        session   TEXT NOT NULL REFERENCES sessions (id),
        seq       INTEGER NOT NULL,
        id        TEXT NOT NULL,
        client_id TEXT,
        sender    TEXT NOT NULL,
        content   TEXT NOT NULL,
        at        INTEGER NOT NULL,
        run       TEXT,
        fence     INTEGER,
        question  INTEGER,
        status    TEXT,
        model     TEXT,
        PRIMARY KEY (session, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX messages_by_client_id ON messages (session, client_id) WHERE client_id IS NOT NULL;

    -- Runs at work. A run that has ended is its message.
    CREATE TABLE runs (
        id         TEXT PRIMARY KEY,
        session    TEXT NOT NULL REFERENCES sessions (id),
        question   INTEGER NOT NULL,
        fence      INTEGER NOT NULL,
        model      TEXT NOT NULL,
        checkpoint TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Runs with owner and lease, digests instead of a comparison of contents, a counter instead of a count, the outbox.
const VERSION_2: &str = "
    ALTER TABLE sessions ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;
    UPDATE sessions SET pending = (
        SELECT count(*) FROM messages AS m WHERE m.session = sessions.id AND m.seq > answered AND m.sender = 'user');
    CREATE INDEX sessions_waiting ON sessions (id) WHERE pending > 0 AND run IS NULL;

    ALTER TABLE messages ADD COLUMN digest BLOB;

    ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
    -- Microseconds since 1970.
    ALTER TABLE runs ADD COLUMN lease INTEGER NOT NULL DEFAULT 0;

    -- What a provider keeps with a session.
    CREATE TABLE provider_state (
        session TEXT NOT NULL REFERENCES sessions (id),
        model   TEXT NOT NULL,
        state   TEXT NOT NULL,
        PRIMARY KEY (session, model)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE outbox (
        id      TEXT PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions (id),
        payload TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Values of the file itself.
    CREATE TABLE meta (
        name  TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Runs with the number of attempts at their question.
const VERSION_3: &str = "
    ALTER TABLE runs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
";

/// The model that a user chose, questions that replace others, answers that are stopped, members of staff who take over.
const VERSION_4: &str = "
    ALTER TABLE sessions ADD COLUMN model TEXT;
    ALTER TABLE messages ADD COLUMN replaces INTEGER;
    ALTER TABLE runs ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
    -- Of the answer that the state came with.
    ALTER TABLE provider_state ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;

    ALTER TABLE sessions ADD COLUMN assignee TEXT;
    ALTER TABLE sessions ADD COLUMN assignee_name TEXT;
    -- When the assignee was there last, and since when the user waits for one. Microseconds since 1970.
    ALTER TABLE sessions ADD COLUMN attended INTEGER;
    ALTER TABLE sessions ADD COLUMN help INTEGER;
    ALTER TABLE sessions ADD COLUMN assisted INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX sessions_attended ON sessions (attended) WHERE assignee IS NOT NULL;
    CREATE INDEX sessions_help ON sessions (help) WHERE help IS NOT NULL;
    ALTER TABLE messages ADD COLUMN kind TEXT NOT NULL DEFAULT 'text';
    ALTER TABLE messages ADD COLUMN agent TEXT;
    ALTER TABLE messages ADD COLUMN agent_name TEXT;
";

/// Brings the file to this release's version, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> anyhow::Result<()> {
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    ensure!(
        version <= MIGRATIONS.len(),
        "the database was written by a newer release (version {version}, this one knows {}); run that release",
        MIGRATIONS.len()
    );
    if version == MIGRATIONS.len() {
        return Ok(());
    }
    let tx = connection.transaction()?;
    for migration in &MIGRATIONS[version..] {
        tx.execute_batch(migration.script)?;
        if let Some(then) = migration.then {
            then(&tx)?;
        }
    }
    tx.pragma_update(None, "user_version", MIGRATIONS.len())?;
    tx.commit()?;
    Ok(())
}

/// Whether the file is of this release's version.
pub(super) fn check(connection: &Connection) -> anyhow::Result<()> {
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    ensure!(
        version == MIGRATIONS.len(),
        "the database was written by another release (version {version}, this one writes {}); use that release",
        MIGRATIONS.len()
    );
    Ok(())
}

/// A message that was stored by an older release is recognised when its client sends it again after the upgrade.
fn digest_contents(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let key = meta::digest_key(tx, crate::chat::DigestKey::random())?;
    let mut named =
        tx.prepare("SELECT session, seq, content FROM messages WHERE client_id IS NOT NULL")?;
    let mut update =
        tx.prepare("UPDATE messages SET digest = ?3 WHERE session = ?1 AND seq = ?2")?;
    let mut rows = named.query([])?;
    while let Some(row) = rows.next()? {
        let (session, seq, content): (String, i64, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        update.execute(params![session, seq, key.digest(&content).as_bytes()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Digest, DigestKey};

    fn version_1(path: &std::path::Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(VERSION_1).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection
    }

    #[test]
    fn a_file_of_release_0_1_0_keeps_its_sessions() {
        let home = tempfile::tempdir().unwrap();
        let mut connection = version_1(&home.path().join("db"));
        connection
            .execute_batch(
                "INSERT INTO sessions VALUES ('s', 'u', 'name', 3, 1, NULL, 1, 0, 0, 0, 1, 5, 5);
                 INSERT INTO messages VALUES ('s', 1, 'a', 'c1', 'user', 'one', 0, NULL, NULL, NULL, NULL, NULL);
                 INSERT INTO messages VALUES ('s', 2, 'b', 'c2', 'user', 'two', 0, NULL, NULL, NULL, NULL, NULL);
                 INSERT INTO messages VALUES ('s', 3, 'c', NULL, 'ai', 'to one', 0, 'r', 1, 1, 'complete', 'm');
                 INSERT INTO runs VALUES ('r', 's', 2, 2, 'm', '');",
            )
            .unwrap();
        migrate(&mut connection).unwrap();
        let attempts: i64 = connection
            .query_row("SELECT attempts FROM runs", [], |row| row.get(0))
            .unwrap();
        assert_eq!(attempts, 1);
        let pending: i64 = connection
            .query_row("SELECT pending FROM sessions", [], |row| row.get(0))
            .unwrap();
        assert_eq!(pending, 1, "the second question waits");
        let key = meta::digest_key(&connection, DigestKey::random()).unwrap();
        let digest = |seq: i64| -> Option<[u8; 32]> {
            connection
                .query_row("SELECT digest FROM messages WHERE seq = ?1", [seq], |row| {
                    row.get(0)
                })
                .unwrap()
        };
        assert_eq!(
            digest(2).map(Digest::from_bytes),
            Some(key.digest("two")),
            "a repeated question is recognised"
        );
        assert_eq!(digest(3), None);
    }

    #[test]
    fn a_file_of_a_newer_release_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let mut connection = version_1(&home.path().join("db"));
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut connection).unwrap_err().to_string();
        assert!(error.contains("a newer release"), "{error}");
    }
}
