//! Where a request carries its token.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

/// The token of `Authorization: Bearer …`. The scheme has no case (RFC 9110, 11.1).
pub(super) fn from_authorization(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, token) = value.split_once([' ', '\t'])?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then_some(token.trim_start())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_in_any_case() {
        for (value, expected) in [
            ("Bearer t", Some("t")),
            ("bearer t", Some("t")),
            ("BEARER  \tt ", Some("t")),
            ("Basic t", None),
            ("Bearert", None),
            ("Bearer", None),
            ("t", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(from_authorization(&headers), expected, "{value:?}");
        }
    }
}
