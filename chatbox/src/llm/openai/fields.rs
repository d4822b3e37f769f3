//! Parts of the request that some servers refuse, and that an answer can do without. Pure.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::Value;

use crate::llm::ErrorClass;
use crate::llm::http::{self, FailedAttempt};

/// A part of the request that an answer can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    StreamOptions,
    /// The length of the answer goes under the other name then.
    MaxTokens,
    MaxCompletionTokens,
    /// The system prompt goes in front of the first question then.
    SystemRole,
    /// The answer comes in one piece then.
    Stream,
}

/// The fields that a model's server has refused.
pub(super) type Refused = BTreeSet<Field>;

impl Field {
    /// As it stands in the request.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::StreamOptions => "stream_options",
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::SystemRole => "messages[0].role",
            Self::Stream => "stream",
        }
    }
}

/// How servers call the fields, as `param` or in words; in lower case. Words say `stream` of much else, so there it counts
/// only in quotes.
const NAMES: [(&str, Field); 13] = [
    ("stream_options", Field::StreamOptions),
    ("include_usage", Field::StreamOptions),
    ("max_tokens", Field::MaxTokens),
    ("max_completion_tokens", Field::MaxCompletionTokens),
    ("messages[0].role", Field::SystemRole),
    ("messages.0.role", Field::SystemRole),
    ("system role", Field::SystemRole),
    ("role 'system'", Field::SystemRole),
    ("'system' role", Field::SystemRole),
    ("system message", Field::SystemRole),
    ("'stream'", Field::Stream),
    ("\"stream\"", Field::Stream),
    ("`stream`", Field::Stream),
];

/// Which of the fields that were sent the server does not take.
///
/// It is said in `param` where servers follow `OpenAI`; many others (Mistral, Gemini, older Azure, everything behind
/// pydantic) only name it in their words. Those are read, against a closed list of names, because no harm comes from a
/// wrong reading: the request was refused and nobody has seen a word, each field is left out at most once, and it is
/// remembered only if the request is accepted without it.
pub(super) fn refused(failed: &FailedAttempt, sent: &[Field]) -> Option<Field> {
    let is_bad_request = matches!(
        failed.status,
        Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
    );
    if !is_bad_request || failed.error.class != ErrorClass::Malformed {
        return None;
    }
    let sent = |field: &Field| sent.contains(field);
    if let Some(param) = param(&failed.body) {
        return by_param(&param).filter(sent);
    }
    let words = http::words(&failed.body);
    let named = NAMES
        .iter()
        .filter(|(_, field)| sent(field))
        .filter_map(|(name, field)| Some((place(&words, name)?, *field)));
    // Advice what to use instead comes behind what is wrong.
    named
        .min_by_key(|(place, _)| *place)
        .map(|(_, field)| field)
}

fn param(body: &Value) -> Option<String> {
    let body = body.get(0).unwrap_or(body);
    let object = body.get("error").filter(|error| error.is_object());
    let param = object.unwrap_or(body).get("param")?.as_str()?;
    let param = param.trim().to_lowercase();
    (!matches!(param.as_str(), "" | "null" | "none")).then_some(param)
}

/// A parameter may be named with what is in it: `stream_options.include_usage`.
fn by_param(param: &str) -> Option<Field> {
    if param == Field::Stream.name() {
        return Some(Field::Stream);
    }
    let named = NAMES.iter().find(|(name, _)| place(param, name) == Some(0));
    named.map(|(_, field)| *field)
}

/// Where `name` stands as a word of its own.
fn place(words: &str, name: &str) -> Option<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    words
        .match_indices(name)
        .map(|(place, _)| place)
        .find(|&place| {
            let (before, behind) = (&words[..place], &words[place + name.len()..]);
            !before.ends_with(is_part) && !behind.starts_with(is_part)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::errors::CODES;
    use super::*;

    const ALL: [Field; 5] = [
        Field::StreamOptions,
        Field::MaxTokens,
        Field::MaxCompletionTokens,
        Field::SystemRole,
        Field::Stream,
    ];

    fn refused_of(status: u16, body: Value, sent: &[Field]) -> Option<Field> {
        let status = StatusCode::from_u16(status).unwrap();
        refused(&http::rejected(CODES, status, body), sent)
    }

    /// As servers write it.
    #[test]
    fn what_a_server_refuses_is_found() {
        for (status, body, expected) in [
            (
                400,
                json!({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                    'max_completion_tokens' instead.", "type": "invalid_request_error", "param": "max_tokens",
                    "code": "unsupported_parameter"}}),
                Field::MaxTokens,
            ),
            (
                400,
                json!({"error": {"message": "'max_tokens' is not supported. Use 'max_completion_tokens' instead."}}),
                Field::MaxTokens,
            ),
            (
                400,
                json!({"error": {"message": "max_tokens is too large: 100000.", "param": "max_tokens", "code": "invalid_value"}}),
                Field::MaxTokens,
            ),
            (
                422,
                json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden",
                    "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted",
                    "input": {"max_tokens": true}}]}, "type": "invalid_request_error", "param": null, "code": null}),
                Field::StreamOptions,
            ),
            (
                422,
                json!({"object": "error", "message": "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"max_completion_tokens\"]}]}",
                    "type": "internal_error_proxy", "param": null, "code": "1000"}),
                Field::MaxCompletionTokens,
            ),
            (
                422,
                json!({"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]}),
                Field::StreamOptions,
            ),
            (
                400,
                json!([{"error": {"code": 400, "message": "Invalid JSON payload received. Unknown name \"stream_options\": \
                    Cannot find field.", "status": "INVALID_ARGUMENT"}}]),
                Field::StreamOptions,
            ),
            (
                400,
                json!({"error": {"message": "Unrecognized request argument supplied: stream_options", "param": null}}),
                Field::StreamOptions,
            ),
            (
                400,
                json!({"error": {"message": "no", "param": "stream_options.include_usage"}}),
                Field::StreamOptions,
            ),
            (
                400,
                json!({"error": {"message": "Unsupported value: 'messages[0].role' does not support 'system' with this \
                    model.", "param": "messages[0].role", "code": "unsupported_value"}}),
                Field::SystemRole,
            ),
            (
                400,
                json!({"object": "error", "message": "System role not supported", "param": null, "code": 400}),
                Field::SystemRole,
            ),
            (
                400,
                json!({"error": {"message": "Your organization must be verified to stream this model.", "param": "stream",
                    "code": "unsupported_value"}}),
                Field::Stream,
            ),
            (400, json!("'stream' must be false"), Field::Stream),
        ] {
            assert_eq!(
                refused_of(status, body.clone(), &ALL),
                Some(expected),
                "{body}"
            );
            let others: Vec<_> = ALL.into_iter().filter(|field| *field != expected).collect();
            let again = refused_of(status, body.clone(), &others);
            assert_ne!(
                again,
                Some(expected),
                "what was not sent was not refused: {body}"
            );
        }
    }

    #[test]
    fn nothing_is_left_out_for_another_reason() {
        for (status, body) in [
            (400, json!({"error": {"message": "bad request"}})),
            (
                400,
                json!({"error": {"message": "streaming and upstream_options, max_tokens_to_sample"}}),
            ),
            (
                400,
                json!({"error": {"message": "max_tokens", "param": "messages"}}),
            ),
            (
                400,
                json!({"error": {"message": "max_tokens", "code": "context_length_exceeded"}}),
            ),
            (
                401,
                json!({"error": {"message": "max_tokens", "param": "max_tokens"}}),
            ),
            (429, json!({"error": {"message": "max_tokens"}})),
            (500, json!({"error": {"message": "max_tokens"}})),
            (
                422,
                json!({"detail": [{"msg": "field required", "input": {"max_tokens": 5}}]}),
            ),
        ] {
            assert_eq!(
                refused_of(status, body.clone(), &ALL),
                None,
                "{status} {body}"
            );
        }
        assert_eq!(
            refused(
                &FailedAttempt::from(crate::llm::Error::new(
                    ErrorClass::Transport,
                    anyhow::anyhow!("x"),
                )),
                &ALL
            ),
            None
        );
    }
}
