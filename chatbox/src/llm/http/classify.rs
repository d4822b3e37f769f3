//! What a provider reports → [`ErrorClass`], by status and error code. Pure.
//!
//! All providers that we know write an error as an object with `code`, `type` or both, either as the whole body or below
//! `error`; a number as `code` or `status` is an HTTP status. Their messages are not logged.
//!
//! One class is found by words too, because many servers (vLLM, LM Studio, Gemini and others) have no code for it: a
//! request that is longer than the model takes. That reading of words is allowed because a wrong one does no harm: it
//! costs a few attempts with less history, before anybody has seen a word, and an error that would have failed anyway.

use anyhow::anyhow;
use reqwest::StatusCode;
use serde_json::Value;

use super::failed::FailedAttempt;
use crate::llm::{Error, ErrorClass};

/// Which error code or type of a provider means which class; in lower case.
pub(in crate::llm) type ErrorCodes = &'static [(&'static str, ErrorClass)];

/// What servers without a code say of a request that is too long; in lower case.
const TOO_LONG: [&str; 23] = [
    "context length",
    "context size",
    "context window",
    "exceed n_ctx",
    "maximum prompt length",
    "prompt is too long",
    "input is too long",
    "input token count",
    "range of input length",
    "maximum number of tokens",
    "too many tokens",
    "token limit",
    "max_new_tokens` must be",
    "must be at least 1, got -",
    "maximum allowed length",
    "must have less than",
    "exceeds maximum input length",
    "exceed context limit",
    "too large to process",
    "reduce the length",
    "request too large",
    "tokens must be reduced",
    "input tokens exceed",
];

/// A call that was answered with an error status.
pub(in crate::llm) fn rejected(
    codes: ErrorCodes,
    status: StatusCode,
    body: Value,
) -> FailedAttempt {
    let known = known_code(codes, object(&body));
    let error = Error::new(
        classify(known, Some(status), &body),
        anyhow!("the provider answered {}{}", status.as_u16(), suffix(known)),
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

/// All that an error says in words, in lower case, without what it repeats of the request.
pub(in crate::llm) fn words(body: &Value) -> String {
    match body {
        Value::String(text) => text.to_lowercase(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => {
            let told = fields
                .iter()
                .filter(|(name, _)| WORDS.contains(&name.as_str()));
            told.map(|(_, value)| words(value))
                .collect::<Vec<_>>()
                .join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// The fields of an error that hold words, or others that do; `loc` holds the names of fields.
const WORDS: [&str; 12] = [
    "loc",
    "error",
    "errors",
    "message",
    "msg",
    "detail",
    "error_msg",
    "status_msg",
    "error_message",
    "reason",
    "metadata",
    "raw",
];

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
    match class {
        ErrorClass::Malformed | ErrorClass::Overloaded if is_too_long(body) => {
            ErrorClass::ContextTooLong
        }
        // No pause makes a request fit that is larger than what a minute may hold.
        ErrorClass::RateLimit if is_larger_than_the_rate(body) => ErrorClass::ContextTooLong,
        class => class,
    }
}

fn is_too_long(body: &Value) -> bool {
    let words = words(body);
    TOO_LONG.iter().any(|phrase| words.contains(phrase))
}

fn is_larger_than_the_rate(body: &Value) -> bool {
    let words = words(body);
    ["request too large", "tokens must be reduced"]
        .iter()
        .any(|phrase| words.contains(phrase))
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

    /// As servers without a code write it.
    #[test]
    fn a_request_that_is_too_long_is_known_by_words_where_there_is_no_code() {
        for (status, body) in [
            (
                400,
                json!({"object": "error", "type": "BadRequestError", "param": null, "code": 400,
                    "message": "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens"}),
            ),
            (
                400,
                json!({"object": "error", "message": "max_tokens must be at least 1, got -186.", "code": 400}),
            ),
            (
                400,
                json!({"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is \
                    loaded with context length of only 4096 tokens"}),
            ),
            (
                400,
                json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
                    "message": "The input token count (2000000) exceeds the maximum number of tokens allowed"}}]),
            ),
            (
                422,
                json!({"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
            ),
            (
                500,
                json!({"error": {"code": 500, "message": "the request exceeds the available context size", "type": "x"}}),
            ),
            (
                400,
                json!("prompt is too long: 200001 tokens > 200000 maximum"),
            ),
            (
                400,
                json!({"error": {"type": "bad_request", "message": "prompt is too long: 5 tokens"}}),
            ),
            (
                400,
                json!({"error": {"message": "Provider returned error", "code": 400,
                    "metadata": {"raw": "{\"message\":\"maximum context length is 8192\"}"}}}),
            ),
            (
                429,
                json!({"error": {"code": "rate_limit_exceeded", "type": "tokens",
                    "message": "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 30601."}}),
            ),
            (
                400,
                json!({"error": {"message": "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"}}),
            ),
            (
                400,
                json!({"message": "The input (9000 tokens) exceeds the maximum allowed length (8192 tokens)"}),
            ),
        ] {
            assert_eq!(
                class_of(status, &body),
                ErrorClass::ContextTooLong,
                "{body}"
            );
        }
        let repeated =
            json!({"detail": [{"msg": "field required", "input": {"content": "context length?"}}]});
        assert_eq!(class_of(422, &repeated), ErrorClass::Malformed);
        let refused = json!({"error": {"message": "context length?"}});
        assert_eq!(class_of(401, &refused), ErrorClass::Authentication);
    }
}
