//! What a provider reports → [`ErrorClass`], by status and error code. Pure.
//!
//! All providers that we know write an error as an object with `code`, `type` or both, either as the whole body or below
//! `error`; a number as `code` or `status` is an HTTP status. Their messages are not logged.
//!
//! Two classes are found by [`words`] too: a request that is longer than the model takes, and an account without money.

use anyhow::anyhow;
use reqwest::StatusCode;
use serde_json::Value;

use super::failed::FailedAttempt;
use super::words;
use crate::llm::{Error, ErrorClass};

/// Which error code or type of a provider means which class; in lower case.
pub(in crate::llm) type ErrorCodes = &'static [(&'static str, ErrorClass)];

/// A call that was answered with an error status.
pub(in crate::llm) fn rejected(
    codes: ErrorCodes,
    status: StatusCode,
    body: Value,
) -> FailedAttempt {
    let known = known_code(codes, object(&body));
    let error = Error::new(
        classify(known, Some(status), &body),
        anyhow!(
            "the provider answered {}{}{}",
            status.as_u16(),
            suffix(known),
            advice(status, known)
        ),
    );
    FailedAttempt {
        status: Some(status),
        body,
        ..error.into()
    }
}

/// An error that came in an answer.
pub(super) fn reported(codes: ErrorCodes, body: Value) -> FailedAttempt {
    let known = known_code(codes, object(&body));
    let status = status(object(&body)).or_else(|| status(&body));
    let error = Error::new(
        classify(known, status, &body),
        anyhow!(
            "the provider reported an error in its answer{}",
            suffix(known)
        ),
    );
    FailedAttempt {
        status,
        body,
        ..error.into()
    }
}

type Known = Option<(&'static str, ErrorClass)>;

/// A code says more than a status, unless it says no more than that the request was wrong: `OpenAI` sends
/// `invalid_request_error` beside nearly every status. A request that is too large is no smaller a moment later, even if
/// the code says that it is the rate which is too high, as Groq's does.
fn classify(known: Known, status: Option<StatusCode>, body: &Value) -> ErrorClass {
    let class = match (known, status) {
        (Some((_, ErrorClass::RateLimit)), Some(StatusCode::PAYLOAD_TOO_LARGE)) => {
            ErrorClass::ContextTooLong
        }
        (Some((_, class)), _) if class != ErrorClass::Malformed => class,
        (_, Some(status)) => by_status(status),
        (Some((_, class)), None) => class,
        // It accepted the request, and then failed without saying why.
        (None, None) => ErrorClass::Overloaded,
    };
    let is_passing = matches!(known, Some((_, ErrorClass::RateLimit)));
    match class {
        ErrorClass::Malformed | ErrorClass::Overloaded if words::is_too_long(body) => {
            ErrorClass::ContextTooLong
        }
        // No pause makes a request fit that is larger than what a minute may hold.
        ErrorClass::RateLimit if words::is_larger_than_the_rate(body) => ErrorClass::ContextTooLong,
        // Nor does one fill an account.
        ErrorClass::RateLimit | ErrorClass::Malformed | ErrorClass::Overloaded
            if words::is_exhausted(body, is_passing) =>
        {
            ErrorClass::Quota
        }
        class => class,
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

/// The object that holds the code; Gemini puts a list around it.
fn object(body: &Value) -> &Value {
    let body = body.get(0).unwrap_or(body);
    ["error", "message", "detail"]
        .into_iter()
        .filter_map(|field| body.get(field))
        .find(|inner| inner.is_object())
        .unwrap_or(body)
}

/// The first of `code`, `type` and `status` that stands in the table: `code` is the finest one.
fn known_code(codes: ErrorCodes, object: &Value) -> Known {
    let mut words = ["code", "type", "status"]
        .into_iter()
        .filter_map(|field| word(object.get(field)?));
    let find = |word: String| codes.iter().copied().find(|(code, _)| *code == word);
    words.find_map(find)
}

/// Some write numbers where others have words, and the other way round.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_lowercase()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn status(object: &Value) -> Option<StatusCode> {
    let status = |field: &str| {
        let number = word(object.get(field)?)?.parse().ok()?;
        let status = StatusCode::from_u16(number).ok()?;
        (status.is_client_error() || status.is_server_error()).then_some(status)
    };
    ["status", "code", "status_code"]
        .into_iter()
        .find_map(status)
}

/// A path that is not there is answered without a code of a model.
fn advice(status: StatusCode, known: Known) -> &'static str {
    if status == StatusCode::NOT_FOUND && known.is_none_or(|(code, _)| code != "model_not_found") {
        "; check baseUrl (is /v1 missing at its end?) and the name of the model"
    } else {
        ""
    }
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
        ("1113", ErrorClass::Quota),
        ("slow_down", ErrorClass::RateLimit),
        ("too_long", ErrorClass::ContextTooLong),
    ];

    fn class_of(status: u16, body: &Value) -> ErrorClass {
        let status = StatusCode::from_u16(status).unwrap();
        rejected(CODES, status, body.clone()).error.class
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
            (
                400,
                json!([{"error": {"code": 400, "status": "NO_MONEY"}}]),
                ErrorClass::Quota,
            ),
            (400, json!({"error": {"code": 1113}}), ErrorClass::Quota),
            (400, json!({"error": {"code": "1113"}}), ErrorClass::Quota),
            (
                400,
                json!({"message": {"code": "no_money"}}),
                ErrorClass::Quota,
            ),
            (
                429,
                json!({"error": {"code": "slow_down"}}),
                ErrorClass::RateLimit,
            ),
            (
                413,
                json!({"error": {"code": "slow_down"}}),
                ErrorClass::ContextTooLong,
            ),
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
            (json!({"error": {"code": "429"}}), ErrorClass::RateLimit),
            (
                json!({"error": "no", "code": 401}),
                ErrorClass::Authentication,
            ),
            (
                json!({"object": "error", "message": "x", "code": 500}),
                ErrorClass::Overloaded,
            ),
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
            let failed = reported(CODES, body.clone());
            assert_eq!(failed.error.class, expected, "{body}");
        }
    }

    #[test]
    fn only_known_codes_are_written_out() {
        let error = |code: &str| {
            rejected(
                CODES,
                StatusCode::BAD_REQUEST,
                json!({"error": {"code": code, "message": "sk-secret"}}),
            )
            .error
            .to_string()
        };
        assert_eq!(
            error("no_money"),
            "quota: the provider answered 400 (no_money)"
        );
        assert_eq!(error("sk_secret"), "malformed: the provider answered 400");
    }

    #[test]
    fn a_path_that_is_not_there_names_the_setting() {
        let missing = rejected(CODES, StatusCode::NOT_FOUND, json!({"detail": "Not Found"}));
        let words = missing.error.to_string();
        assert!(
            words.contains("baseUrl") && words.contains("/v1"),
            "{words}"
        );
        // What is missing is the model: the address is right.
        let codes = &[("model_not_found", ErrorClass::Malformed)];
        let model = json!({"error": {"code": "model_not_found"}});
        let words = rejected(codes, StatusCode::NOT_FOUND, model).error;
        assert!(!words.to_string().contains("baseUrl"), "{words}");
    }

    #[test]
    fn words_decide_only_where_no_code_or_status_does() {
        let long = |code: &str| json!({"error": {"code": code, "message": "context length"}});
        let fast = json!({"error": {"code": "slow_down", "message": "Request too large for the model on tokens per min"}});
        let repeated =
            json!({"detail": [{"msg": "field required", "input": {"content": "context length?"}}]});
        for (status, body, expected) in [
            (400, long("bad_request"), ErrorClass::ContextTooLong),
            (500, long("x"), ErrorClass::ContextTooLong),
            (401, long("x"), ErrorClass::Authentication),
            (400, long("no_money"), ErrorClass::Quota),
            (429, long("slow_down"), ErrorClass::RateLimit),
            (429, fast, ErrorClass::ContextTooLong),
            (422, repeated, ErrorClass::Malformed),
        ] {
            assert_eq!(class_of(status, &body), expected, "{status} {body}");
        }
    }
}
