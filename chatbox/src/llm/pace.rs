//! Bounds on time, the same for every provider.

use std::time::Duration;

use anyhow::anyhow;
use async_stream::stream;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{Event, Events, Failed};
use crate::chat::Failure;

/// `events`, ended by a failure when the next one takes longer than `idle`, or all of them longer than `total`.
/// A stream that ends without a last word gets one too.
pub(super) fn bounded(mut events: Events, idle: Duration, total: Duration) -> Events {
    Box::pin(stream! {
        let end = Instant::now() + total;
        loop {
            let quiet = Instant::now() + idle;
            match timeout_at(quiet.min(end), events.next()).await {
                Ok(Some(event)) => {
                    let last = matches!(event, Event::Done | Event::Failed(_));
                    yield event;
                    if last {
                        return;
                    }
                }
                Ok(None) => {
                    let cause = anyhow!("the answer ended without a last word");
                    yield Event::Failed(Failed::unavailable(cause));
                    return;
                }
                Err(_) => {
                    let (limit, what) = if quiet < end { (idle, "idle") } else { (total, "total") };
                    let cause = anyhow!("no end within the {what} time of {} s", limit.as_secs());
                    yield Event::Failed(Failed { failure: Failure::Timeout, cause });
                    return;
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn last(events: Events) -> String {
        let all: Vec<_> = bounded(events, Duration::from_secs(5), Duration::from_secs(12))
            .collect()
            .await;
        match all.last() {
            Some(Event::Failed(failed)) => format!("{:?}: {failed}", failed.failure),
            other => format!("{other:?}"),
        }
    }

    fn every(seconds: u64) -> Events {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Some((Event::Text("x".to_owned()), ()))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn each_way_to_end() {
        let done = Box::pin(stream::iter([Event::Text("x".to_owned()), Event::Done]));
        assert_eq!(last(done).await, "Some(Done)");
        let cut = Box::pin(stream::iter([Event::Text("x".to_owned())]));
        assert_eq!(
            last(cut).await,
            "Unavailable: the answer ended without a last word"
        );
        assert_eq!(
            last(Box::pin(stream::pending())).await,
            "Timeout: no end within the idle time of 5 s"
        );
        assert_eq!(
            last(every(3)).await,
            "Timeout: no end within the total time of 12 s"
        );
    }
}
