//! Frames ↔ the socket: size and pace.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;

use crate::wire::{CLOSE_SLOW, CLOSE_TOO_BIG, Frame};

/// A peer that does not take a frame for so long is cut off; it reconnects and is caught up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer has to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection is over.
#[derive(Debug)]
pub(super) struct Closed;

pub(super) enum Incoming {
    Text(String),
    /// A sign of life.
    Other,
}

pub(super) struct Pump {
    outgoing: SplitSink<WebSocket, Message>,
    incoming: SplitStream<WebSocket>,
}

impl Pump {
    pub(super) fn new(socket: WebSocket) -> Self {
        let (outgoing, incoming) = socket.split();
        Self { outgoing, incoming }
    }

    pub(super) async fn next(&mut self) -> Result<Incoming, Closed> {
        match self.incoming.next().await {
            Some(Ok(Message::Text(text))) => Ok(Incoming::Text(text.to_string())),
            Some(Ok(Message::Close(_))) | None => Err(Closed),
            Some(Ok(_)) => Ok(Incoming::Other),
            Some(Err(error)) if is_too_big(&error) => {
                Err(self.close(CLOSE_TOO_BIG, "the message is too big").await)
            }
            Some(Err(_)) => Err(Closed),
        }
    }

    /// Queues a frame; [`Self::flush`] sends it with its neighbours in one write.
    pub(super) async fn feed(&mut self, frame: &Frame) -> Result<(), Closed> {
        let message = Message::text(frame.render());
        let fed = timeout(WRITE_TIMEOUT, self.outgoing.feed(message)).await;
        self.judge(fed).await
    }

    pub(super) async fn flush(&mut self) -> Result<(), Closed> {
        let flushed = timeout(WRITE_TIMEOUT, self.outgoing.flush()).await;
        self.judge(flushed).await
    }

    pub(super) async fn send(&mut self, frame: &Frame) -> Result<(), Closed> {
        self.feed(frame).await?;
        self.flush().await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Closed> {
        let pinged = timeout(
            WRITE_TIMEOUT,
            self.outgoing.send(Message::Ping(Vec::new().into())),
        )
        .await;
        self.judge(pinged).await
    }

    /// Says why, and waits a moment for the peer to agree.
    pub(super) async fn close(&mut self, code: u16, reason: &'static str) -> Closed {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // The connection ends either way; what goes wrong with its last words is of no use to anybody.
        let _ = timeout(
            CLOSE_TIMEOUT,
            self.outgoing.send(Message::Close(Some(frame))),
        )
        .await;
        let _ = timeout(CLOSE_TIMEOUT, async {
            while let Some(Ok(_)) = self.incoming.next().await {}
        })
        .await;
        Closed
    }

    async fn judge<E>(
        &mut self,
        written: Result<Result<(), axum::Error>, E>,
    ) -> Result<(), Closed> {
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Closed),
            Err(_) => Err(self.close(CLOSE_SLOW, "the connection is too slow").await),
        }
    }
}

fn is_too_big(error: &axum::Error) -> bool {
    let cause = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<tungstenite::Error>());
    matches!(cause, Some(tungstenite::Error::Capacity(_)))
}
