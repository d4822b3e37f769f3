//! Frames ↔ the socket, with bounds on size and time.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use crate::wire::{CLOSE_SLOW, CLOSE_TOO_BIG, ServerFrame};

/// A peer that does not take a frame for so long is cut off; it reconnects and is caught up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer has to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection is over.
#[derive(Debug)]
pub(super) struct Closed;

pub(super) enum Incoming {
    Text(String),
    /// A ping, a pong, or bytes: the peer is there.
    Other,
}

/// Reads or writes, one at a time: a client that does not read is not read either.
pub(super) struct Transport {
    socket: WebSocket,
}

impl Transport {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self { socket }
    }

    pub(super) async fn next(&mut self) -> Result<Incoming, Closed> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text.to_string())),
            Some(Ok(Message::Close(_))) | None => Err(Closed),
            Some(Ok(_)) => Ok(Incoming::Other),
            Some(Err(error)) if is_too_big(&error) => {
                Err(Box::pin(self.close(CLOSE_TOO_BIG, "the message is too big")).await)
            }
            Some(Err(_)) => Err(Closed),
        }
    }

    /// Queues a frame; [`Self::flush`] sends it with its neighbours in one write.
    pub(super) async fn feed(&mut self, frame: &ServerFrame<'_>) -> Result<(), Closed> {
        let message = Message::text(frame.render());
        let fed = timeout(WRITE_TIMEOUT, self.socket.feed(message)).await;
        self.check(fed).await
    }

    pub(super) async fn flush(&mut self) -> Result<(), Closed> {
        let flushed = timeout(WRITE_TIMEOUT, self.socket.flush()).await;
        self.check(flushed).await
    }

    pub(super) async fn send(&mut self, frame: &ServerFrame<'_>) -> Result<(), Closed> {
        self.feed(frame).await?;
        self.flush().await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Closed> {
        let pinged = timeout(
            WRITE_TIMEOUT,
            self.socket.send(Message::Ping(Vec::new().into())),
        )
        .await;
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

fn is_too_big(error: &axum::Error) -> bool {
    let cause = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<tungstenite::Error>());
    matches!(cause, Some(tungstenite::Error::Capacity(_)))
}
