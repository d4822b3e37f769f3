//! Time-outs, the same for every provider.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::anyhow;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Error, ErrorClass, Event, EventStream, Progress, ProgressStream};

/// The events of `progress`, ended by a failure when the provider is silent for longer than `idle`, or all of it takes
/// longer than `total`. What a provider sends and the reader does not need counts as a sign of life: comments, and what a
/// model thinks; only `total` bounds how long it may think. A stream that just ends gets a failure as its last event too.
pub(super) fn bounded(progress: ProgressStream, idle: Duration, total: Duration) -> EventStream {
    let end = Instant::now() + total;
    Box::pin(Bounded {
        progress: Some(progress),
        idle,
        total,
        end,
        idle_end: None,
        timer: Box::pin(sleep_until(end.min(Instant::now() + idle))),
    })
}

struct Bounded {
    /// Dropped with the last event, which closes the provider's connection.
    progress: Option<ProgressStream>,
    idle: Duration,
    total: Duration,
    end: Instant,
    /// Set while the provider is waited for. Time that the reader spends elsewhere does not count.
    idle_end: Option<Instant>,
    /// Fires at or before the next deadline. It is set anew only when it fires, not with each event: that would cost a
    /// token two visits to the runtime's timer wheel.
    timer: Pin<Box<Sleep>>,
}

impl Stream for Bounded {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = loop {
            let Some(progress) = &mut self.progress else {
                return Poll::Ready(None);
            };
            match progress.as_mut().poll_next(context) {
                Poll::Ready(Some(Progress::Event(event))) => break event,
                Poll::Ready(Some(Progress::Activity)) => self.idle_end = None,
                Poll::Ready(Some(Progress::Pause(pause))) => {
                    self.idle_end = Some(Instant::now() + pause + self.idle);
                }
                Poll::Ready(None) => {
                    let cause = anyhow!("the answer ended without a last event");
                    break Event::Failed(Error::new(ErrorClass::Transport, cause));
                }
                Poll::Pending => break Event::Failed(ready!(self.poll_timeout(context))),
            }
        };
        self.idle_end = None;
        if event.is_last() {
            self.progress = None;
        }
        Poll::Ready(Some(event))
    }
}

impl Bounded {
    fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let idle_end = *self
            .idle_end
            .get_or_insert_with(|| Instant::now() + self.idle);
        let deadline = idle_end.min(self.end);
        loop {
            ready!(self.timer.as_mut().poll(context));
            if self.timer.deadline() >= deadline {
                break;
            }
            self.timer.as_mut().reset(deadline);
        }
        let (limit, name) = if idle_end < self.end {
            (self.idle, "idle")
        } else {
            (self.total, "total")
        };
        let cause = anyhow!("no end within the {name} time-out of {} s", limit.as_secs());
        Poll::Ready(Error::new(ErrorClass::Timeout, cause))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::super::Finish;
    use super::*;

    const IDLE: Duration = Duration::from_secs(5);
    const TOTAL: Duration = Duration::from_secs(12);

    async fn last(progress: ProgressStream) -> (String, Duration) {
        let started = Instant::now();
        let all: Vec<_> = bounded(progress, IDLE, TOTAL).collect().await;
        let last = match all.last() {
            Some(Event::Failed(error)) => error.to_string(),
            other => format!("{other:?}"),
        };
        (last, started.elapsed())
    }

    fn every(seconds: u64, progress: fn() -> Progress) -> ProgressStream {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Some((progress(), ()))
        }))
    }

    fn text() -> Progress {
        Progress::Event(Event::Text("x".to_owned()))
    }

    fn done() -> Progress {
        Progress::Event(Event::Done(Finish::Stop))
    }

    const IDLE_PASSED: &str = "timeout: no end within the idle time-out of 5 s";
    const TOTAL_PASSED: &str = "timeout: no end within the total time-out of 12 s";

    #[tokio::test(start_paused = true)]
    async fn each_way_to_end() {
        let whole = stream::iter([text(), done(), text()]);
        let cut = stream::iter([text()]);
        let stalled = every(3, text).take(2).chain(stream::pending());
        for (progress, expected, seconds) in [
            (Box::pin(whole) as ProgressStream, "Some(Done(Stop))", 0),
            (
                Box::pin(cut),
                "transport: the answer ended without a last event",
                0,
            ),
            (Box::pin(stream::pending()), IDLE_PASSED, 5),
            (Box::pin(stalled), IDLE_PASSED, 11),
            (every(3, text), TOTAL_PASSED, 12),
        ] {
            let (last, took) = last(progress).await;
            assert_eq!((last.as_str(), took.as_secs()), (expected, seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_sends_anything_is_not_silent() {
        let thinking = every(4, || Progress::Activity).take(2);
        let silent = every(4, || Progress::Activity)
            .take(1)
            .chain(stream::pending());
        for (progress, expected, seconds) in [
            (
                Box::pin(thinking.chain(stream::iter([text(), done()]))) as ProgressStream,
                "Some(Done(Stop))",
                8,
            ),
            (Box::pin(silent), IDLE_PASSED, 9),
            (every(4, || Progress::Activity), TOTAL_PASSED, 12),
        ] {
            let (last, took) = last(progress).await;
            assert_eq!((last.as_str(), took.as_secs()), (expected, seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_two_attempts_is_not_silence() {
        let pause = || stream::iter([Progress::Pause(Duration::from_secs(6))]);
        let answered = pause().chain(every(8, done));
        let silent = pause().chain(stream::pending());
        for (progress, expected, seconds) in [
            (Box::pin(answered) as ProgressStream, "Some(Done(Stop))", 8),
            (Box::pin(silent), IDLE_PASSED, 11),
        ] {
            let (last, took) = last(progress).await;
            assert_eq!((last.as_str(), took.as_secs()), (expected, seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_a_slow_provider() {
        let mut events = bounded(every(2, text), IDLE, TOTAL);
        events.next().await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(matches!(events.next().await, Some(Event::Text(_))));
    }
}
