//! The JSON on the socket. One envelope, as the predecessor spoke it; what is new rides in optional keys that an old
//! client ignores. Pure.

pub mod inbound;
pub mod outbound;

pub use inbound::{Inbound, Resume, Say};
pub use outbound::{Code, Frame};

/// Closes the socket because this server goes away; connect again.
pub const CLOSE_GOING_AWAY: u16 = 1001;
/// Closes the socket because a frame was larger than `limits.frameBytes`.
pub const CLOSE_TOO_BIG: u16 = 1009;
/// Closes the socket because the peer reads too slowly; connect again.
pub const CLOSE_SLOW: u16 = 4008;
/// Closes the socket because the token has expired; fetch a fresh one first.
pub const CLOSE_EXPIRED: u16 = 4014;
