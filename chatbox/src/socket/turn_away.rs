//! A client for whom there is no place.

use axum::extract::ws::WebSocket;

use super::count_error;
use super::rejection;
use super::transport::{Closed, Transport};
use crate::clock;
use crate::limits::{Full, InFlight};
use crate::state::AppState;
use crate::wire::{CLOSE_TOO_MANY_CONNECTIONS, CLOSE_TRY_LATER, ServerFrame};

/// Tells a client that there are too many connections, and ends its own.
pub async fn turn_away(socket: WebSocket, in_flight: InFlight, full: Full, state: &AppState) {
    let (rejection, code, reason) = match full {
        Full::User => (
            rejection::too_many_connections(),
            CLOSE_TOO_MANY_CONNECTIONS,
            "the user has too many connections",
        ),
        Full::Server => (
            rejection::server_is_full(),
            CLOSE_TRY_LATER,
            "the server has too many connections",
        ),
    };
    let frame = ServerFrame::rejected(clock::now(), None, rejection);
    count_error(state, &frame);
    let mut transport = Transport::new(socket, in_flight);
    if transport.send(&frame).await.is_ok() {
        let Closed = transport.close(code, reason).await;
    }
}
