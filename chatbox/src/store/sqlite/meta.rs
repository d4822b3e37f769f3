//! Values of the file itself.

use rusqlite::{Connection, Result, params};

use crate::chat::DigestKey;
use crate::store::values::DIGEST_KEY;

/// The key of the file's digests; `proposed` if it has none yet.
pub(super) fn digest_key(tx: &Connection, proposed: DigestKey) -> Result<DigestKey> {
    tx.prepare_cached("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![DIGEST_KEY, proposed.as_bytes()])?;
    tx.prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([DIGEST_KEY], |row| row.get(0))
        .map(DigestKey::from_bytes)
}
