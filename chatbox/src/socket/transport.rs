//! Frames ↔ the socket, with bounds on size and time.

use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::limits::InFlight;
use crate::wire::{
    CLOSE_NOT_UTF8, CLOSE_PROTOCOL, CLOSE_SLOW, CLOSE_TOO_BIG, CLOSE_TRY_LATER, ServerFrame,
};

/// A peer that does not take a frame for so long is cut off; it reconnects and is caught up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A message that was begun before so many pings, and has not ended, does not end: fifty seconds at least.
const STALLED_PINGS: u8 = 3;
/// How long a peer has to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection is over.
#[derive(Debug)]
pub(super) struct Closed;

pub(super) enum Incoming {
    /// What should be a frame of the protocol. Old clients send it as bytes, too, and may cut a character.
    Text(String),
    /// A ping or a pong: the peer is there.
    Other,
}

/// Reads or writes, one at a time: a client that does not read is not read either.
pub(super) struct Transport {
    socket: WebSocket,
    in_flight: InFlight,
}

impl Transport {
    pub(super) fn new(socket: WebSocket, in_flight: InFlight) -> Self {
        Self { socket, in_flight }
    }

    pub(super) async fn next(&mut self) -> Result<Incoming, Closed> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => {
                self.in_flight.taken();
                Ok(Incoming::Text(text.to_string()))
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.in_flight.taken();
                let text = String::from_utf8_lossy(&bytes);
                Ok(Incoming::Text(text.into_owned()))
            }
            Some(Ok(Message::Ping(payload) | Message::Pong(payload))) => {
                self.in_flight.control(payload.len());
                Ok(Incoming::Other)
            }
            Some(Ok(Message::Close(_))) | None => Err(Closed),
            Some(Err(error)) => Err(Box::pin(self.failed(&error)).await),
        }
    }

    /// Whether a message was begun long ago, and its end has not come. Asked with each ping.
    pub(super) fn is_stalled(&self) -> bool {
        self.in_flight.found_partial() >= STALLED_PINGS
    }

    /// Tells the peer what was wrong with its bytes, if that is why nothing more can be read.
    async fn failed(&mut self, error: &axum::Error) -> Closed {
        let cause = std::error::Error::source(error)
            .and_then(|source| source.downcast_ref::<tungstenite::Error>());
        let (code, reason) = match cause {
            Some(tungstenite::Error::Capacity(_)) => (CLOSE_TOO_BIG, "the message is too big"),
            Some(tungstenite::Error::Utf8(_)) => (CLOSE_NOT_UTF8, "the message is not UTF-8"),
            Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return Closed;
            }
            Some(tungstenite::Error::Protocol(_)) => (CLOSE_PROTOCOL, "not a WebSocket frame"),
            Some(tungstenite::Error::Io(_)) if self.in_flight.is_refused() => {
                (CLOSE_TRY_LATER, "too much is in flight")
            }
            _ => return Closed,
        };
        self.close(code, reason).await
    }

    /// Queues a frame; [`Self::flush`] sends it with its neighbours in one write.
    pub(super) async fn feed(&mut self, frame: &ServerFrame<'_>) -> Result<(), Closed> {
        let message = Message::text(frame.render());
        let fed = in_time(self.socket.feed(message)).await;
        self.check(fed).await
    }

    pub(super) async fn flush(&mut self) -> Result<(), Closed> {
        let flushed = in_time(self.socket.flush()).await;
        self.check(flushed).await
    }

    pub(super) async fn send(&mut self, frame: &ServerFrame<'_>) -> Result<(), Closed> {
        self.feed(frame).await?;
        self.flush().await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Closed> {
        let pinged = in_time(self.socket.send(Message::Ping(Vec::new().into()))).await;
        self.check(pinged).await
    }

    /// Sends a close frame, and waits a moment for the one of the peer.
    pub(super) async fn close(&mut self, code: u16, reason: &'static str) -> Closed {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // The connection ends either way; what goes wrong with the close frame is of no use to anybody.
        let _ = timeout(CLOSE_TIMEOUT, self.socket.send(Message::Close(Some(frame)))).await;
        let _ = timeout(CLOSE_TIMEOUT, async {
            while let Some(Ok(_)) = self.socket.next().await {}
        })
        .await;
        Closed
    }

    async fn check<E>(
        &mut self,
        written: Result<Result<(), axum::Error>, E>,
    ) -> Result<(), Closed> {
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Closed),
            Err(_) => Err(Box::pin(self.close(CLOSE_SLOW, "the connection is too slow")).await),
        }
    }
}

/// A write that ends in time. Nearly each does at once, and needs no timer.
async fn in_time<T>(write: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut write = pin!(write);
    match write.as_mut().now_or_never() {
        Some(written) => Ok(written),
        None => timeout(WRITE_TIMEOUT, write).await,
    }
}
