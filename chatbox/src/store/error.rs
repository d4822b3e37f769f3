//! Why a storage did not do what it was asked, and what that means for the caller.

/// A storage that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the store failed")]
pub struct StoreError {
    kind: ErrorKind,
    #[source]
    cause: anyhow::Error,
}

/// Whether another attempt can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It may: the storage is busy, full or away for a while.
    Unavailable,
    /// It cannot: this operation fails each time, others may work.
    Permanent,
    /// The storage is damaged or gone. The process must end, so that somebody notices.
    Lost,
}

impl StoreError {
    pub fn new(kind: ErrorKind, cause: impl Into<anyhow::Error>) -> Self {
        Self {
            kind,
            cause: cause.into(),
        }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn cause(&self) -> &anyhow::Error {
        &self.cause
    }

    pub fn is_retryable(&self) -> bool {
        self.kind == ErrorKind::Unavailable
    }
}
