//! How the server stops, in two steps: no new answers, then no answers.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Handles of the stop, and of what it waits for. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lifecycle {
    /// No new answer begins and no new connection is taken.
    stopping: CancellationToken,
    /// Running answers are cut.
    cut: CancellationToken,
    /// Connections are closed.
    closing: CancellationToken,
    turns: TaskTracker,
    sockets: TaskTracker,
}

impl Lifecycle {
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    pub fn spawn_turn(&self, turn: impl Future<Output = ()> + Send + 'static) {
        self.turns.spawn(turn);
    }

    /// Resolves when running answers must end.
    pub async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// Resolves when connections must be closed.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Runs the life of a connection; the stop waits for its end.
    pub async fn hold_socket(&self, socket: impl Future<Output = ()>) {
        self.sockets.track_future(socket).await;
    }

    /// Stops: lets running answers finish for `drain`, cuts the rest, and closes connections within `flush` after
    /// each step.
    pub async fn stop(&self, drain: Duration, flush: Duration) {
        self.stopping.cancel();
        self.turns.close();
        self.sockets.close();
        tracing::info!(
            answers = self.turns.len(),
            connections = self.sockets.len(),
            "stopping: running answers may finish"
        );
        if tokio::time::timeout(drain, self.turns.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                answers = self.turns.len(),
                "the drain time has passed: running answers are interrupted"
            );
            self.cut.cancel();
            let _ = tokio::time::timeout(flush, self.turns.wait()).await;
        }
        self.closing.cancel();
        let _ = tokio::time::timeout(flush, self.sockets.wait()).await;
    }
}
