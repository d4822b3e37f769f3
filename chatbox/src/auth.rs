//! `Caller`: the proof of who speaks. No caller, no answer.

pub mod keys;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use jiff::Timestamp;

pub use self::keys::Keys;

/// A user whose token was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    /// When the token ends, and with it a connection.
    pub expires: Timestamp,
}

/// The token of `Authorization: Bearer …`.
pub fn header_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// The entry `bearer.<token>` of `Sec-WebSocket-Protocol`: the one header that a browser lets a page set on a socket.
pub fn protocol_token(headers: &HeaderMap) -> Option<&str> {
    let offered = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    offered
        .flat_map(|value| value.split(','))
        .find_map(|entry| entry.trim().strip_prefix("bearer."))
}
