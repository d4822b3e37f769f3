//! What people write is nobody else's to read on a machine that several use.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, set_permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;

/// Makes a directory that is not there yet. One that is, such as a volume, stays as it is.
pub(super) fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY)
        .create(path)
}

/// Opens a file, or makes it where it is not there yet.
pub(super) fn file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(FILE).open(path)
}

/// Makes the file of a database that is not there yet. What `SQLite` makes beside it gets its mode; what an earlier release
/// has made gets that now.
pub(super) fn database(path: &Path) -> io::Result<()> {
    file(path)?;
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match set_permissions(&file, Permissions::from_mode(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // It belongs to another user of its group, as on a volume that has moved.
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "cannot keep others from reading the database");
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_database_is_read_by_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("new/data");
        for round in ["new", "of an earlier release"] {
            let store = Sqlite::open(&data).unwrap();
            assert_eq!(mode(&data), 0o700, "{round}");
            for file in data.read_dir().unwrap() {
                let path = file.unwrap().path();
                assert_eq!(mode(&path), 0o600, "{round}: {}", path.display());
            }
            drop(store);
            let database = data.join("chatbox.db");
            set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
        }
    }
}
