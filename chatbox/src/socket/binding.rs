//! Which session a connection follows.

use super::Start;
use super::cursor::Cursor;
use crate::bus::{Received, Receiver};
use crate::chat::SessionId;

/// The session of a connection.
pub(super) enum Binding {
    None,
    /// The client named a session that nobody has yet.
    Waiting {
        start: Start,
        events: Receiver,
    },
    Bound {
        cursor: Cursor,
        events: Receiver,
    },
}

impl Binding {
    pub(super) fn session(&self) -> Option<&SessionId> {
        match self {
            Self::None => None,
            Self::Waiting { start, .. } => Some(&start.session),
            Self::Bound { cursor, .. } => Some(cursor.session()),
        }
    }

    pub(super) fn is_bound_to(&self, session: &SessionId) -> bool {
        matches!(self, Self::Bound { cursor, .. } if cursor.session() == session)
    }

    pub(super) async fn recv(&mut self) -> Received {
        match self {
            Self::None => std::future::pending().await,
            Self::Waiting { events, .. } | Self::Bound { events, .. } => events.recv().await,
        }
    }

    pub(super) fn try_recv(&mut self) -> Option<Received> {
        match self {
            Self::Bound { events, .. } => events.try_recv(),
            Self::None | Self::Waiting { .. } => None,
        }
    }
}
