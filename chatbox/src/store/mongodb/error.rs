//! What an error of the driver means for the caller. Decided by its labels, kind and code, never by its words.

use mongodb::error::{
    Error, ErrorKind as Kind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

use crate::store::{ErrorKind, StoreError};

/// Codes of a server that is away for a while, by name in MongoDB's `error_codes.yml`.
const PASSING: [i32; 18] = [
    6,     // HostUnreachable
    7,     // HostNotFound
    24,    // LockTimeout
    50,    // MaxTimeMSExpired
    64,    // WriteConcernTimeout
    89,    // NetworkTimeout
    91,    // ShutdownInProgress
    112,   // WriteConflict
    133,   // FailedToSatisfyReadPreference
    189,   // PrimarySteppedDown
    251,   // NoSuchTransaction
    262,   // ExceededTimeLimit
    9001,  // SocketException
    10107, // NotWritablePrimary
    11600, // InterruptedAtShutdown
    11602, // InterruptedDueToReplStateChange
    13435, // NotPrimaryNoSecondaryOk
    14031, // OutOfDiskSpace
];
/// Of a document whose key exists already.
const DUPLICATE_KEY: i32 = 11000;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let kind = kind(&error);
        match error.get_custom::<String>() {
            Some(text) => Self::new(kind, anyhow::anyhow!(text.clone())),
            // Its own form holds the labels and the whole reply of the server.
            None => Self::new(kind, anyhow::anyhow!("{}", error.kind)),
        }
    }
}

pub(super) fn is_duplicate_key(error: &Error) -> bool {
    code(error) == Some(DUPLICATE_KEY)
}

fn kind(error: &Error) -> ErrorKind {
    let labels = [
        TRANSIENT_TRANSACTION_ERROR,
        UNKNOWN_TRANSACTION_COMMIT_RESULT,
        RETRYABLE_WRITE_ERROR,
    ];
    if labels.iter().any(|label| error.contains_label(label)) {
        return ErrorKind::Unavailable;
    }
    match &*error.kind {
        Kind::Io(_)
        | Kind::ServerSelection { .. }
        | Kind::ConnectionPoolCleared { .. }
        | Kind::DnsResolve { .. }
        // A password that is being changed is right again when its Secret is.
        | Kind::Authentication { .. }
        | Kind::Transaction { .. } => ErrorKind::Unavailable,
        _ if code(error).is_some_and(|code| PASSING.contains(&code)) => ErrorKind::Unavailable,
        _ => ErrorKind::Permanent,
    }
}

fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        Kind::Command(error) => Some(error.code),
        Kind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        Kind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        _ => None,
    }
}
