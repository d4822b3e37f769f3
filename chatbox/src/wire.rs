//! The JSON on the socket, described in `docs/wire.md`. Pure.
//!
//! - [`inbound`]: what a client sends, and the parser that is lenient about it
//! - [`outbound`]: what the server sends
//! - [`rejection`]: error codes, and why a client's frame is not served
//! - [`schema`]: the JSON schema of both directions, made from these types

pub mod inbound;
mod literal;
pub mod outbound;
pub mod rejection;
pub mod schema;

#[cfg(test)]
mod examples;

pub use inbound::ClientFrame;
pub use outbound::ServerFrame;
pub use rejection::{Code, Rejection};

/// Closes the socket because this server goes away; connect again.
pub const CLOSE_GOING_AWAY: u16 = 1001;
/// Closes the socket because the bytes on it are no WebSocket frames.
pub const CLOSE_PROTOCOL: u16 = 1002;
/// Closes the socket because a text frame was not UTF-8.
pub const CLOSE_NOT_UTF8: u16 = 1007;
/// Closes the socket because a frame was larger than `limits.frameBytes`.
pub const CLOSE_TOO_BIG: u16 = 1009;
/// Closes the socket because its session could not be read; connect again and resume.
pub const CLOSE_NOT_READ: u16 = 1011;
/// Closes the socket because the server has as much to hold as it may; connect again later.
pub const CLOSE_TRY_LATER: u16 = 1013;
/// Closes the socket because the peer reads or sends too slowly; connect again.
pub const CLOSE_SLOW: u16 = 4008;
/// Closes the socket because the token has expired; fetch a fresh one first.
pub const CLOSE_EXPIRED: u16 = 4014;
/// Closes the socket because the user has as many connections as one may; only the user can change that.
pub const CLOSE_TOO_MANY_CONNECTIONS: u16 = 4504;
