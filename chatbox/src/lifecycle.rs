//! How the server stops: a soft shutdown, in which running answers may finish, then a hard one.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TrackedFuture;

/// Handles of the shutdown, and of what it waits for. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lifecycle {
    /// Soft shutdown: no new run begins and no new connection is accepted.
    soft: CancellationToken,
    /// Hard shutdown: running answers are interrupted.
    hard: CancellationToken,
    /// Connections are closed.
    close: CancellationToken,
    /// Something that the server cannot do without has ended.
    broken: CancellationToken,
    runs: TaskTracker,
    sockets: TaskTracker,
}

impl Lifecycle {
    pub fn is_stopping(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Resolves when the server begins to stop.
    pub async fn stopping(&self) {
        self.soft.cancelled().await;
    }

    /// False: the process is about to end, because something that it cannot do without has ended.
    pub fn is_healthy(&self) -> bool {
        !self.broken.is_cancelled()
    }

    pub fn set_broken(&self) {
        self.broken.cancel();
    }

    pub fn spawn_run(&self, run: impl Future<Output = ()> + Send + 'static) {
        self.runs.spawn(run);
    }

    /// A token that ends one run; the hard shutdown ends all of them.
    pub fn run_token(&self) -> CancellationToken {
        self.hard.child_token()
    }

    /// Resolves when connections must be closed.
    pub async fn closing(&self) {
        self.close.cancelled().await;
    }

    /// The life of a connection; the shutdown waits for its end. Not an `async fn`, which would hold it twice.
    pub fn track_socket<F: Future<Output = ()>>(&self, socket: F) -> TrackedFuture<F> {
        self.sockets.track_future(socket)
    }

    /// Stops: lets running answers finish for `drain`, interrupts the rest, and closes connections. What must be
    /// written and sent after the drain gets `flush`, half of it each.
    pub async fn shut_down(&self, drain: Duration, flush: Duration) {
        self.soft.cancel();
        self.runs.close();
        self.sockets.close();
        let (runs, connections) = (self.runs.len(), self.sockets.len());
        tracing::info!(runs, connections, "stopping: running answers may finish");
        if timeout(drain, self.runs.wait()).await.is_err() {
            let runs = self.runs.len();
            tracing::warn!(
                runs,
                "the drain time has passed: running answers are interrupted"
            );
            self.hard.cancel();
            let _ = timeout(flush / 2, self.runs.wait()).await;
        }
        self.close.cancel();
        let _ = timeout(flush / 2, self.sockets.wait()).await;
    }
}
