//! Whether and when a failed attempt is followed by another. Pure.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::failed::FailedAttempt;

/// Understood by OpenAI's and Azure's own clients; finer than `Retry-After` beside it.
const RETRY_AFTER_MS: &str = "retry-after-ms";
/// Obeyed by OpenAI's own clients: the server knows better than its status says.
const SHOULD_RETRY: &str = "x-should-retry";
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
    failed: &FailedAttempt,
    delays: &mut impl Iterator<Item = Duration>,
) -> Option<Duration> {
    let wanted = failed.retry_after.unwrap_or_default();
    let may_help = failed
        .should_retry
        .unwrap_or_else(|| failed.error.class.is_retryable());
    if !may_help || wanted > DELAY_MAX {
        return None;
    }
    delays.next().map(|delay| delay.max(wanted))
}

/// What a response says about it: `retry-after-ms`, or `Retry-After`, which is a number of seconds or a date. Providers
/// write fractions too.
pub(super) fn after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    if let Some(milliseconds) = value(RETRY_AFTER_MS).and_then(number) {
        return Some(seconds(milliseconds / 1000.0));
    }
    let value = value(RETRY_AFTER.as_str())?;
    if let Some(number) = number(value) {
        return Some(seconds(number));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Whether a response says itself that another attempt can help.
pub(super) fn should(headers: &HeaderMap) -> Option<bool> {
    match headers.get(SHOULD_RETRY)?.to_str().ok()?.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// More than can be counted is never waited for.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use reqwest::header::HeaderName;

    use super::*;
    use crate::llm::ErrorClass;

    #[test]
    fn each_form_of_retry_after() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let after = |headers: &[(&'static str, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            after(&headers.collect(), now)
        };
        for (value, milliseconds) in [
            ("7", Some(7000)),
            (" 0 ", Some(0)),
            ("4.5", Some(4500)),
            ("0.25", Some(250)),
            ("Sun, 06 Nov 1994 08:49:41 GMT", Some(4000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(after(&[("retry-after", value)]), expected, "{value:?}");
        }
        assert_eq!(after(&[("retry-after", "1e300")]), Some(Duration::MAX));
        assert_eq!(after(&[]), None);
        for (milliseconds, expected) in [("1500", 1500), ("62.5", 62), ("soon", 7000)] {
            let headers = [("retry-after", "7"), ("retry-after-ms", milliseconds)];
            let after = after(&headers).unwrap();
            assert_eq!(after.as_millis(), expected, "{milliseconds}");
        }
    }

    #[test]
    fn a_server_that_says_so_knows_better() {
        for (word, expected) in [
            ("true", Some(true)),
            (" false", Some(false)),
            ("maybe", None),
        ] {
            let headers = [(HeaderName::from_static(SHOULD_RETRY), word.parse().unwrap())];
            assert_eq!(should(&headers.into_iter().collect()), expected);
        }
        for (class, should_retry) in [
            (ErrorClass::Malformed, true),
            (ErrorClass::Overloaded, false),
        ] {
            let failed = FailedAttempt {
                should_retry: Some(should_retry),
                ..FailedAttempt::new(class, anyhow!("x"))
            };
            assert_eq!(delay(&failed, &mut delays()).is_some(), should_retry);
        }
    }

    #[test]
    fn what_is_tried_again_and_when() {
        let failed = |class, retry_after: Option<u64>| FailedAttempt {
            retry_after: retry_after.map(Duration::from_secs),
            ..FailedAttempt::new(class, anyhow!("x"))
        };
        for class in ErrorClass::ALL {
            let delay = delay(&failed(class, None), &mut delays());
            assert_eq!(delay.is_some(), class.is_retryable(), "{class}");
        }
        let overloaded = |seconds| {
            delay(
                &failed(ErrorClass::Overloaded, Some(seconds)),
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
