//! What a client is told about a message that is not served. Pure but for the log.

use std::time::Duration;

use crate::store::AppendError;
use crate::wire::outbound::{Code, Rejection};

/// When to try again while earlier questions are being answered.
const BUSY: Duration = Duration::from_secs(2);

pub(super) fn too_fast(wait: Duration) -> Rejection {
    let words = "You are sending messages too fast. Please wait a moment.";
    Rejection {
        retry_after: Some(wait),
        ..Rejection::new(Code::TooManyRequests, words)
    }
}

pub(super) fn foreign() -> Rejection {
    Rejection::new(
        Code::Unauthorized,
        "This conversation belongs to somebody else.",
    )
}

pub(super) fn not_read() -> Rejection {
    Rejection::new(
        Code::DatabaseError,
        "Something went wrong. Please try again.",
    )
}

pub(super) fn not_stored(error: AppendError) -> Rejection {
    match error {
        AppendError::NotOwner => foreign(),
        AppendError::ClientIdTaken => Rejection::new(
            Code::InvalidFormat,
            "client_id was used for another message",
        ),
        AppendError::TooManyPending => Rejection {
            retry_after: Some(BUSY),
            ..Rejection::new(
                Code::ServiceError,
                "Please wait for the answers to your earlier messages.",
            )
        },
        AppendError::Store(error) => {
            tracing::error!(cause = ?error, "cannot store a message");
            Rejection::new(
                Code::DatabaseError,
                "Your message could not be stored. Please try again.",
            )
        }
    }
}
