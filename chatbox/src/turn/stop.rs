//! Why a run ends before its model does.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use tokio_util::sync::CancellationToken;

use super::answer::Ending;

/// Ends a run from outside: once, for one of two reasons. Its clones are one.
#[derive(Clone)]
pub(super) struct Stop {
    /// Also cancelled by the hard shutdown.
    token: CancellationToken,
    is_cancelled: Arc<AtomicBool>,
}

impl Stop {
    pub(super) fn new(token: CancellationToken) -> Self {
        Self {
            token,
            is_cancelled: Arc::default(),
        }
    }

    /// The run has lost its session.
    pub(super) fn interrupt(&self) {
        self.token.cancel();
    }

    /// The user wants no more of the answer.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Relaxed);
        self.token.cancel();
    }

    /// Resolves when the run must end, with how.
    pub(super) async fn stopped(&self) -> Ending {
        self.token.cancelled().await;
        if self.is_cancelled.load(Relaxed) {
            Ending::Cancelled
        } else {
            Ending::Interrupted
        }
    }
}
