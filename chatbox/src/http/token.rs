//! Where a request carries its token.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

/// The token of `Authorization: Bearer …`.
pub(super) fn from_authorization(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// The entry `bearer.<token>` of `Sec-WebSocket-Protocol`: the one header that a browser lets a page set on a socket.
pub(super) fn from_subprotocol(headers: &HeaderMap) -> Option<&str> {
    let offered = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    offered
        .flat_map(|value| value.split(','))
        .find_map(|entry| entry.trim().strip_prefix("bearer."))
}
