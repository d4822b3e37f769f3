//! Tables, and how an older file becomes one of this release.

use anyhow::ensure;
use rusqlite::Connection;

/// One script a version, applied in order; a released script is never changed.
const MIGRATIONS: [&str; 1] = ["
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
"];

/// Brings the file to this release's version, all or nothing.
pub(super) fn migrate(connection: &mut Connection) -> anyhow::Result<()> {
    let version: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    ensure!(
        version <= MIGRATIONS.len(),
        "the database was written by a newer release (version {version}, this one knows {}); run that release",
        MIGRATIONS.len()
    );
    let tx = connection.transaction()?;
    for script in &MIGRATIONS[version..] {
        tx.execute_batch(script)?;
    }
    tx.pragma_update(None, "user_version", MIGRATIONS.len())?;
    tx.commit()?;
    Ok(())
}
