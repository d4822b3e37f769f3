//! What a provider reports → [`ErrorClass`], by status and error code. Pure.
//!
//! All providers that we know write an error as an object with `code`, `type` or both, either as the whole body or below
//! `error`; a number as `code` or `status` is an HTTP status. Their messages are neither read nor logged.

use anyhow::anyhow;
use reqwest::StatusCode;
use serde_json::Value;

use crate::llm::{Error, ErrorClass};

/// Which error code or type of a provider means which class.
pub(in crate::llm) type ErrorCodes = &'static [(&'static str, ErrorClass)];

/// A call that was answered with an error status.
pub(in crate::llm) fn rejected(codes: ErrorCodes, status: StatusCode, body: &Value) -> Error {
    let known = known_code(codes, object(body));
    let class = classify(known, Some(status));
    Error::new(
        class,
        anyhow!("the provider answered {}{}", status.as_u16(), suffix(known)),
    )
}

/// An error that came as an event of an answer.
pub(in crate::llm) fn reported(codes: ErrorCodes, body: &Value) -> Error {
    let object = object(body);
    let known = known_code(codes, object);
    let class = classify(known, status(object));
    Error::new(
        class,
        anyhow!(
            "the provider reported an error in its answer{}",
            suffix(known)
        ),
    )
}

type Known = Option<(&'static str, ErrorClass)>;

/// A code says more than a status, unless it says no more than that the request was wrong: `OpenAI` sends
/// `invalid_request_error` beside nearly every status.
fn classify(known: Known, status: Option<StatusCode>) -> ErrorClass {
    match (known, status) {
        (Some((_, class)), _) if class != ErrorClass::Malformed => class,
        (_, Some(status)) => by_status(status),
        (Some((_, class)), None) => class,
        // It accepted the request, and then failed without saying why.
        (None, None) => ErrorClass::Overloaded,
    }
}

fn by_status(status: StatusCode) -> ErrorClass {
    match status.as_u16() {
        401 | 403 => ErrorClass::Authentication,
        402 => ErrorClass::Quota,
        408 => ErrorClass::Transport,
        413 => ErrorClass::ContextTooLong,
        429 => ErrorClass::RateLimit,
        500.. => ErrorClass::Overloaded,
        _ => ErrorClass::Malformed,
    }
}

fn object(body: &Value) -> &Value {
    body.get("error")
        .filter(|error| error.is_object())
        .unwrap_or(body)
}

/// The first of `code` and `type` that stands in the table: `code` is the finer one.
fn known_code(codes: ErrorCodes, object: &Value) -> Known {
    let mut words = ["code", "type"]
        .into_iter()
        .filter_map(|field| object.get(field)?.as_str());
    let find = |word: &str| codes.iter().copied().find(|(code, _)| *code == word);
    words.find_map(find)
}

fn status(object: &Value) -> Option<StatusCode> {
    let number = ["status", "code"]
        .into_iter()
        .find_map(|field| object.get(field)?.as_u64())?;
    let status = StatusCode::from_u16(u16::try_from(number).ok()?).ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

/// Only codes of our own table are written out.
fn suffix(known: Known) -> String {
    known
        .map(|(code, _)| format!(" ({code})"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CODES: ErrorCodes = &[
        ("bad_request", ErrorClass::Malformed),
        ("no_money", ErrorClass::Quota),
        ("too_long", ErrorClass::ContextTooLong),
    ];

    fn class_of(status: u16, body: &Value) -> ErrorClass {
        rejected(CODES, StatusCode::from_u16(status).unwrap(), body).class
    }

    #[test]
    fn a_status_alone() {
        for (status, expected) in [
            (301, ErrorClass::Malformed),
            (400, ErrorClass::Malformed),
            (401, ErrorClass::Authentication),
            (402, ErrorClass::Quota),
            (403, ErrorClass::Authentication),
            (404, ErrorClass::Malformed),
            (408, ErrorClass::Transport),
            (413, ErrorClass::ContextTooLong),
            (422, ErrorClass::Malformed),
            (429, ErrorClass::RateLimit),
            (500, ErrorClass::Overloaded),
            (502, ErrorClass::Overloaded),
            (503, ErrorClass::Overloaded),
            (529, ErrorClass::Overloaded),
        ] {
            assert_eq!(class_of(status, &Value::Null), expected, "{status}");
        }
    }

    #[test]
    fn a_code_beside_a_status() {
        for (status, body, expected) in [
            (
                429,
                json!({"error": {"code": "no_money"}}),
                ErrorClass::Quota,
            ),
            (
                429,
                json!({"error": {"code": null, "type": "no_money"}}),
                ErrorClass::Quota,
            ),
            (
                429,
                json!({"error": {"code": "unknown", "type": "no_money"}}),
                ErrorClass::Quota,
            ),
            (
                429,
                json!({"error": {"code": "unknown"}}),
                ErrorClass::RateLimit,
            ),
            (
                400,
                json!({"error": {"code": "too_long", "type": "bad_request"}}),
                ErrorClass::ContextTooLong,
            ),
            (
                401,
                json!({"error": {"code": "unknown", "type": "bad_request"}}),
                ErrorClass::Authentication,
            ),
            (
                400,
                json!({"code": "no_money", "message": "m", "status": 400}),
                ErrorClass::Quota,
            ),
            (400, json!({"error": "no_money"}), ErrorClass::Malformed),
            (
                400,
                json!({"error": {"message": "no_money"}}),
                ErrorClass::Malformed,
            ),
            (503, json!(["no_money"]), ErrorClass::Overloaded),
        ] {
            assert_eq!(class_of(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_error_inside_an_answer() {
        for (body, expected) in [
            (
                json!({"type": "error", "error": {"type": "no_money"}}),
                ErrorClass::Quota,
            ),
            (
                json!({"event": "error", "status": 400, "code": "no_money"}),
                ErrorClass::Quota,
            ),
            (
                json!({"event": "error", "status": 429, "code": "unknown"}),
                ErrorClass::RateLimit,
            ),
            (json!({"error": {"code": 429}}), ErrorClass::RateLimit),
            (json!({"error": {"code": 7}}), ErrorClass::Overloaded),
            (json!({"error": {"code": 200}}), ErrorClass::Overloaded),
            (
                json!({"error": {"type": "bad_request"}}),
                ErrorClass::Malformed,
            ),
            (
                json!({"error": {"message": "what?"}}),
                ErrorClass::Overloaded,
            ),
        ] {
            assert_eq!(reported(CODES, &body).class, expected, "{body}");
        }
    }

    #[test]
    fn only_known_codes_are_written_out() {
        let error = |code: &str| {
            rejected(
                CODES,
                StatusCode::BAD_REQUEST,
                &json!({"error": {"code": code, "message": "sk-secret"}}),
            )
            .to_string()
        };
        assert_eq!(
            error("no_money"),
            "quota: the provider answered 400 (no_money)"
        );
        assert_eq!(error("sk_secret"), "malformed: the provider answered 400");
    }
}
