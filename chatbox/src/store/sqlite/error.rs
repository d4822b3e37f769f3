//! What an error of SQLite means for the caller.

use rusqlite::{Error, ErrorCode};

use crate::store::{ErrorKind, StoreError};

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::new(kind(&error), error)
    }
}

fn kind(error: &Error) -> ErrorKind {
    let Error::SqliteFailure(failure, _) = error else {
        // A row that this release cannot read, a statement that it should not have made: the next try ends the same.
        return ErrorKind::Permanent;
    };
    match failure.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted => ErrorKind::Unavailable,
        // After a failed write or sync nobody knows what the disk holds; only a new process reads it afresh.
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied => ErrorKind::Lost,
        _ => ErrorKind::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn which_errors_pass() {
        for (code, expected) in [
            (ffi::SQLITE_BUSY, ErrorKind::Unavailable),
            (ffi::SQLITE_FULL, ErrorKind::Unavailable),
            (ffi::SQLITE_CORRUPT, ErrorKind::Lost),
            (ffi::SQLITE_NOTADB, ErrorKind::Lost),
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Lost),
            (ffi::SQLITE_READONLY, ErrorKind::Lost),
            (ffi::SQLITE_CONSTRAINT, ErrorKind::Permanent),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(kind(&error), expected, "{code}");
        }
        assert_eq!(kind(&Error::QueryReturnedNoRows), ErrorKind::Permanent);
    }
}
