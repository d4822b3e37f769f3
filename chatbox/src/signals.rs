//! The signals that end the process: the first asks it to stop, the second ends it at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell reports for a process that was ended by an interrupt.
const ABORTED: i32 = 130;

/// Resolves at the first `SIGTERM` or `SIGINT`. From then on a second one ends the process without waiting for
/// anything: whoever presses Ctrl-C twice means it.
///
/// # Errors
/// When the process may not listen to signals.
pub fn stop_requested() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    Ok(async move {
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("second signal: the process ends at once; what is stored stays");
            std::process::exit(ABORTED);
        });
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
