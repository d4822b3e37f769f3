//! How the server stops, in two steps: no new answers, then no answers.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
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

    /// Stops: lets running answers finish for `drain`, cuts the rest, and closes connections. What must be written
    /// and said after the drain gets `flush`, half of it each.
    pub async fn stop(&self, drain: Duration, flush: Duration) {
        self.stopping.cancel();
        self.turns.close();
        self.sockets.close();
        let (answers, connections) = (self.turns.len(), self.sockets.len());
        tracing::info!(answers, connections, "stopping: running answers may finish");
        if timeout(drain, self.turns.wait()).await.is_err() {
            let answers = self.turns.len();
            tracing::warn!(
                answers,
                "the drain time has passed: running answers are interrupted"
            );
            self.cut.cancel();
            let _ = timeout(flush / 2, self.turns.wait()).await;
        }
        self.closing.cancel();
        let _ = timeout(flush / 2, self.sockets.wait()).await;
    }
}
