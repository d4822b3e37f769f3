//! Time-outs, the same for every provider.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::anyhow;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Error, ErrorClass, Event, EventStream};

/// `events`, ended by a failure when one takes longer than `idle`, or all of them longer than `total`.
/// A stream that just ends gets a failure as its last event too.
pub(super) fn bounded(events: EventStream, idle: Duration, total: Duration) -> EventStream {
    let end = Instant::now() + total;
    Box::pin(Bounded {
        events: Some(events),
        idle,
        total,
        end,
        idle_end: None,
        timer: Box::pin(sleep_until(end.min(Instant::now() + idle))),
    })
}

struct Bounded {
    /// Dropped with the last event, which closes the provider's connection.
    events: Option<EventStream>,
    idle: Duration,
    total: Duration,
    end: Instant,
    /// Set while an event is waited for. Time that the reader spends elsewhere does not count.
    idle_end: Option<Instant>,
    /// Fires at or before the next deadline. It is set anew only when it fires, not with each event: that would cost a
    /// token two visits to the runtime's timer wheel.
    timer: Pin<Box<Sleep>>,
}

impl Stream for Bounded {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let Some(events) = &mut self.events else {
            return Poll::Ready(None);
        };
        let event = match events.as_mut().poll_next(context) {
            Poll::Ready(Some(event)) => event,
            Poll::Ready(None) => {
                let cause = anyhow!("the answer ended without a last event");
                Event::Failed(Error::new(ErrorClass::Transport, cause))
            }
            Poll::Pending => Event::Failed(ready!(self.poll_timeout(context))),
        };
        self.idle_end = None;
        if event.is_last() {
            self.events = None;
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

    use super::*;

    const IDLE: Duration = Duration::from_secs(5);
    const TOTAL: Duration = Duration::from_secs(12);

    async fn last(events: EventStream) -> (String, Duration) {
        let started = Instant::now();
        let all: Vec<_> = bounded(events, IDLE, TOTAL).collect().await;
        let last = match all.last() {
            Some(Event::Failed(error)) => error.to_string(),
            other => format!("{other:?}"),
        };
        (last, started.elapsed())
    }

    fn every(seconds: u64) -> EventStream {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Some((text(), ()))
        }))
    }

    fn text() -> Event {
        Event::Text("x".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn each_way_to_end() {
        let done = stream::iter([text(), Event::Done, text()]);
        let cut = stream::iter([text()]);
        let stalled = every(3).take(2).chain(stream::pending());
        for (events, expected, seconds) in [
            (Box::pin(done) as EventStream, "Some(Done)", 0),
            (
                Box::pin(cut),
                "transport: the answer ended without a last event",
                0,
            ),
            (
                Box::pin(stream::pending()),
                "timeout: no end within the idle time-out of 5 s",
                5,
            ),
            (
                Box::pin(stalled),
                "timeout: no end within the idle time-out of 5 s",
                11,
            ),
            (
                every(3),
                "timeout: no end within the total time-out of 12 s",
                12,
            ),
        ] {
            let (last, took) = last(events).await;
            assert_eq!((last.as_str(), took.as_secs()), (expected, seconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_not_a_slow_provider() {
        let mut events = bounded(every(2), IDLE, TOTAL);
        events.next().await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(matches!(events.next().await, Some(Event::Text(_))));
    }
}
