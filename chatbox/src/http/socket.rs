//! The WebSocket upgrade: authenticates the request, then hands the socket to [`crate::socket`].

use std::net::SocketAddr;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Extension, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;
use url::Url;

use super::client_address::client_address;
use super::error::ApiError;
use super::token;
use crate::chat::{RunId, SessionId};
use crate::clock;
use crate::limits::{self, Full, InFlight};
use crate::socket::{self, Start};
use crate::state::AppState;

/// What our own page asks for; its token rides beside it.
const PROTOCOL: &str = "chatbox.v1";
/// Buffers of a connection, in bytes, kept for as long as it lives: ten thousand idle ones should take little. A longer
/// frame is read in several steps, and more than the write buffer holds is written at once.
const READ_BUFFER: usize = 1024;
const WRITE_BUFFER: usize = 2048;
/// Bytes of a frame of a client that is turned away: it has nothing to say but its close.
const FAREWELL_BYTES: usize = 4096;

#[derive(Deserialize)]
pub(super) struct Params {
    token: Option<String>,
    session_id: Option<String>,
    after_seq: Option<i64>,
    run: Option<String>,
    #[serde(default)]
    off: usize,
}

/// `GET ws`. The token comes in `Authorization`, in `Sec-WebSocket-Protocol`, or in the query.
pub(super) async fn upgrade(
    State(state): State<AppState>,
    Query(params): Query<Params>,
    Extension(in_flight): Extension<InFlight>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    check_origin(&headers, &state.config.server.allowed_origins)?;
    let token = token::from_authorization(&headers)
        .or_else(|| token::from_subprotocol(&headers))
        .or(params.token.as_deref())
        .ok_or(ApiError::Unauthorized)?;
    let caller = state
        .keys
        .verify(token, clock::now())
        .map_err(|_| ApiError::InvalidToken)?;
    let start = start(&params)?;
    if state.lifecycle.is_stopping() {
        return Err(ApiError::Stopping);
    }
    let upgrade =
        upgrade.map_err(|_| ApiError::BadRequest("this address expects a WebSocket upgrade"))?;
    // A client that offers its token alone must get it back: a browser takes no other answer.
    let bearer = token::from_subprotocol(&headers).map(|bearer| format!("bearer.{bearer}"));
    let protocols = [PROTOCOL.to_owned()].into_iter().chain(bearer);
    // Taken last, so that nothing that fails above holds on to it.
    let address = client_address(peer, &headers, &state.proxies);
    let permit = match state.limits.connect(&caller.user, address) {
        Ok(permit) => permit,
        Err(full) => return turn_away(upgrade.protocols(protocols), in_flight, full, state),
    };
    in_flight.belongs_to(permit);
    let frame_bytes = usize::try_from(state.config.limits.frame_bytes).unwrap_or(READ_BUFFER);
    let upgrade = upgrade
        .protocols(protocols)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(frame_bytes)
        .max_frame_size(frame_bytes);
    Ok(upgrade.on_upgrade(move |socket| {
        let lifecycle = state.lifecycle.clone();
        lifecycle.track_socket(socket::serve(socket, caller, in_flight, start, state))
    }))
}

/// Tells a client over a socket why it gets none: a page cannot see the status of a failed upgrade.
fn turn_away(
    upgrade: WebSocketUpgrade,
    in_flight: InFlight,
    full: Full,
    state: AppState,
) -> Result<Response, ApiError> {
    let permit = state
        .limits
        .turn_away()
        .ok_or(ApiError::TooMany(limits::RETRY))?;
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(FAREWELL_BYTES)
        .max_frame_size(FAREWELL_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let told = socket::turn_away(socket, in_flight, full, &state);
        state.lifecycle.track_socket(told).await;
        drop(permit);
    }))
}

fn start(params: &Params) -> Result<Option<Start>, ApiError> {
    let Some(id) = params
        .session_id
        .as_deref()
        .filter(|id| !SessionId::is_missing(id))
    else {
        return Ok(None);
    };
    let session = match SessionId::parse(id) {
        Some(session) => session,
        // The predecessor ignored it here, whatever it was; who asks for nothing misses nothing.
        None if params.after_seq.is_none() => return Ok(None),
        None => {
            let words = "session_id must be at most 128 letters, digits or any of -_.:";
            return Err(ApiError::BadRequest(words));
        }
    };
    Ok(Some(Start {
        session,
        after: params.after_seq.map(|seq| seq.max(0)),
        run: params
            .run
            .as_deref()
            .and_then(RunId::parse)
            .map(|run| (run, params.off)),
    }))
}

/// A page may connect if it comes from this server or from an allowed origin. A program sends no origin.
fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().map_err(|_| ApiError::ForeignOrigin)?;
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let own = Url::parse(origin).is_ok_and(|origin| {
        // Written by a proxy, it may have another case, or the port that goes without saying.
        let host = host.map(|host| Url::parse(&format!("{}://{host}", origin.scheme())));
        host.is_some_and(|host| host.is_ok_and(|host| host.origin() == origin.origin()))
    });
    if own || allowed.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    Err(ApiError::ForeignOrigin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_sessions_a_url_may_name() {
        for (id, after_seq, expected) in [
            (Some("s"), None, Some("s")),
            (Some("s"), Some(1), Some("s")),
            (None, None, None),
            (Some(""), Some(1), None),
            (Some("undefined"), None, None),
            (Some("null"), Some(0), None),
            (Some("a b"), None, None),
        ] {
            let params = Params {
                token: None,
                session_id: id.map(ToOwned::to_owned),
                after_seq,
                run: None,
                off: 0,
            };
            let start = start(&params).unwrap();
            let session = start.map(|start| start.session.as_str().to_owned());
            assert_eq!(session.as_deref(), expected, "{id:?} {after_seq:?}");
        }
        let params = Params {
            token: None,
            session_id: Some("a b".to_owned()),
            after_seq: Some(0),
            run: None,
            off: 0,
        };
        assert!(start(&params).is_err(), "it would wait for ever");
    }

    #[test]
    fn which_pages_may_connect() {
        let allowed = ["https://www.example.com".to_owned()];
        for (origin, accepted) in [
            (None, true),
            (Some("https://chat.example.com"), true),
            (Some("http://chat.example.com"), true),
            (Some("https://chat.example.com:8443"), false),
            (Some("https://www.example.com"), true),
            (Some("https://example.com"), false),
            (Some("https://www.example.com:8443"), false),
            (Some("http://www.example.com"), false),
            (Some("https://chat.example.com.evil.test"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "chat.example.com".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(
                check_origin(&headers, &allowed).is_ok(),
                accepted,
                "{origin:?}"
            );
        }
        for (host, accepted) in [
            ("chat.example.com:443", true),
            ("Chat.Example.com", true),
            ("chat.example.com:8443", false),
            ("", false),
            ("a b", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.insert(header::ORIGIN, "https://chat.example.com".parse().unwrap());
            assert_eq!(check_origin(&headers, &[]).is_ok(), accepted, "{host}");
        }
    }
}
