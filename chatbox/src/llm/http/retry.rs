//! Whether and when a rejected call is tried again. Pure.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::attempt::Rejection;

/// The first one counts.
const ATTEMPTS: usize = 3;
const DELAY_MIN: Duration = Duration::from_millis(500);
/// A provider that asks for a longer pause is not waited for: a person is.
const DELAY_MAX: Duration = Duration::from_secs(10);

/// The delays between the attempts of one call.
pub(super) fn delays() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(DELAY_MIN)
        .with_max_delay(DELAY_MAX)
        .with_jitter()
        .with_max_times(ATTEMPTS - 1)
        .build()
}

/// How long to wait before the next attempt; `None` when there is none.
pub(super) fn delay(
    rejection: &Rejection,
    delays: &mut impl Iterator<Item = Duration>,
) -> Option<Duration> {
    let wanted = rejection.retry_after.unwrap_or_default();
    if !rejection.error.class.is_retryable() || wanted > DELAY_MAX {
        return None;
    }
    delays.next().map(|delay| delay.max(wanted))
}

/// The `Retry-After` of a response, which is a number of seconds or a date.
pub(super) fn after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::llm::{Error, ErrorClass};

    #[test]
    fn both_forms_of_retry_after() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:41 GMT", Some(4)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            let expected = expected.map(Duration::from_secs);
            assert_eq!(after(&headers, now), expected, "{value:?}");
        }
        assert_eq!(after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn what_is_tried_again_and_when() {
        let rejection = |class, retry_after: Option<u64>| Rejection {
            error: Error::new(class, anyhow!("x")),
            retry_after: retry_after.map(Duration::from_secs),
        };
        for class in ErrorClass::ALL {
            let delay = delay(&rejection(class, None), &mut delays());
            assert_eq!(delay.is_some(), class.is_retryable(), "{class}");
        }
        let overloaded = |seconds| {
            delay(
                &rejection(ErrorClass::Overloaded, Some(seconds)),
                &mut delays(),
            )
        };
        assert!(overloaded(0).unwrap() >= DELAY_MIN, "never at once");
        assert_eq!(overloaded(10), Some(Duration::from_secs(10)));
        assert_eq!(overloaded(11), None);
        assert!(delays().all(|delay| delay <= DELAY_MAX));
        assert_eq!(delays().count(), ATTEMPTS - 1);
    }
}
