//! The words for what is not served. Pure but for the log.

use std::time::Duration;

use crate::chat;
use crate::limits;
use crate::store::{ErrorKind, StoreError};
use crate::wire::{Code, Rejection};

/// When to try again while the store is away.
const AWAY: Duration = Duration::from_secs(5);
/// When to try again while earlier questions are being answered.
const BUSY: Duration = Duration::from_secs(2);

pub(super) fn too_fast(wait: Duration) -> Rejection {
    let words = "You are sending messages too fast. Please wait a moment.";
    Rejection {
        retry_after: Some(wait),
        ..Rejection::new(Code::TooManyRequests, words)
    }
}

pub(super) fn resumes_too_often(wait: Duration) -> Rejection {
    let words = "You are reconnecting too often. Please wait a moment.";
    Rejection {
        retry_after: Some(wait),
        ..Rejection::new(Code::TooManyRequests, words)
    }
}

pub(super) fn too_many_connections() -> Rejection {
    Rejection::new(
        Code::ConnectionLimitExceeded,
        "The chat is open in too many tabs or devices. Please close one of them.",
    )
}

pub(super) fn server_is_full() -> Rejection {
    Rejection {
        retry_after: Some(limits::RETRY),
        ..Rejection::new(
            Code::ServiceError,
            "The chat is very busy right now. Please try again later.",
        )
    }
}

pub(super) fn expired() -> Rejection {
    Rejection::new(
        Code::ExpiredToken,
        "Your access has ended. Please reload the page.",
    )
}

pub(super) fn not_permitted() -> Rejection {
    Rejection::new(
        Code::Unauthorized,
        "This conversation belongs to somebody else.",
    )
}

pub(super) fn not_read() -> Rejection {
    Rejection {
        retry_after: Some(AWAY),
        ..Rejection::new(
            Code::DatabaseError,
            "Something went wrong. Please try again.",
        )
    }
}

pub(super) fn not_admitted(rejection: chat::Rejection) -> Rejection {
    match rejection {
        chat::Rejection::NotPermitted => not_permitted(),
        chat::Rejection::ClientIdReused => Rejection::new(
            Code::InvalidFormat,
            "client_id was used for another message",
        ),
        chat::Rejection::TooManyPending => Rejection {
            retry_after: Some(BUSY),
            ..Rejection::new(
                Code::ServiceError,
                "Please wait for the answers to your earlier messages.",
            )
        },
        chat::Rejection::Busy => Rejection {
            retry_after: Some(BUSY),
            ..Rejection::new(
                Code::ServiceError,
                "Please wait for the answer that is being written, or stop it.",
            )
        },
        chat::Rejection::AssignedToAnother => Rejection::new(
            Code::InvalidFormat,
            "another member of staff has taken the conversation over",
        ),
        chat::Rejection::NotNewest => Rejection::new(
            Code::InvalidFormat,
            "only the newest question and its answer can be replaced",
        ),
    }
}

pub(super) fn unknown_model() -> Rejection {
    Rejection::new(Code::InvalidFormat, "model_id is not one of the models")
}

pub(super) fn no_session() -> Rejection {
    Rejection::new(Code::MissingField, "session_id is missing")
}

pub(super) fn not_stored(error: &StoreError) -> Rejection {
    tracing::error!(
        cause = format!("{:#}", error.cause()),
        "cannot store a message"
    );
    // What fails each time is not sent again; a storage that is lost ends the process, and the next one has another.
    let is_recoverable = error.kind() != ErrorKind::Permanent;
    Rejection {
        is_recoverable,
        retry_after: is_recoverable.then_some(AWAY),
        ..Rejection::new(
            Code::DatabaseError,
            "Your message could not be stored. Please try again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sent_again_only_where_that_can_help() {
        for (kind, recoverable) in [
            (ErrorKind::Unavailable, true),
            (ErrorKind::Permanent, false),
            (ErrorKind::Lost, true),
        ] {
            let error = StoreError::new(kind, anyhow::anyhow!("a cause"));
            let rejection = not_stored(&error);
            assert_eq!(rejection.is_recoverable, recoverable, "{kind:?}");
            assert_eq!(rejection.retry_after.is_some(), recoverable, "{kind:?}");
        }
        let rejections = [
            (too_fast(BUSY), true),
            (resumes_too_often(BUSY), true),
            (too_many_connections(), false),
            (server_is_full(), true),
            (expired(), false),
            (not_permitted(), false),
            (not_read(), true),
            (not_admitted(chat::Rejection::ClientIdReused), false),
            (not_admitted(chat::Rejection::TooManyPending), true),
            (not_admitted(chat::Rejection::Busy), true),
            (not_admitted(chat::Rejection::NotNewest), false),
            (not_admitted(chat::Rejection::AssignedToAnother), false),
            (unknown_model(), false),
            (no_session(), false),
        ];
        for (rejection, recoverable) in rejections {
            assert_eq!(rejection.is_recoverable, recoverable, "{rejection:?}");
        }
    }
}
