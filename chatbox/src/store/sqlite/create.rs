//! A database that does not exist yet: made beside its place, and put there whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{private, schema};

/// Makes the file with the tables of this release, unless there is one.
///
/// SQLite flushes the directory, a journal and the file several times on the way, and this does once, at the end: a
/// machine that stops before leaves nothing that counts as a database.
pub(super) fn create(path: &Path) -> anyhow::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let unfinished = beside(path, "-new");
    remove(&unfinished)?;
    private::file(&unfinished)?;
    let mut connection = Connection::open(&unfinished)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "journal_mode", "memory")?;
    schema::migrate(&mut connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(&unfinished)?.sync_all()?;
    // SQLite would play the log of a file that somebody removed into this one.
    for suffix in ["-wal", "-shm"] {
        remove(&beside(path, suffix))?;
    }
    fs::rename(&unfinished, path)?;
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(home: &Path) -> Vec<String> {
        let entries = fs::read_dir(home).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_new_database_is_put_in_its_place_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("db");
        // What a machine left that stopped in the middle.
        fs::write(home.path().join("db-new"), "half of a database").unwrap();
        create(&path).unwrap();
        assert_eq!(names(home.path()), ["db"]);
        let mut connection = Connection::open(&path).unwrap();
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
        connection.execute("DELETE FROM meta", []).unwrap();
        // Nothing is left to migrate, and nothing is made a second time.
        schema::migrate(&mut connection).unwrap();
        create(&path).unwrap();
        let kept: i64 = connection
            .query_row("SELECT count(*) FROM meta", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 0);
    }

    #[test]
    fn the_log_of_a_database_that_is_gone_is_not_played_into_a_new_one() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("db");
        create(&path).unwrap();
        let old = Connection::open(&path).unwrap();
        old.execute("INSERT INTO meta VALUES ('old', x'00')", [])
            .unwrap();
        let log = fs::read(beside(&path, "-wal")).unwrap();
        assert!(!log.is_empty());
        drop(old);
        fs::remove_file(&path).unwrap();
        fs::write(beside(&path, "-wal"), log).unwrap();
        create(&path).unwrap();
        let old: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM meta WHERE name = 'old'", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(old, 0);
    }
}
