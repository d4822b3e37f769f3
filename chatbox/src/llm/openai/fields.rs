//! Parts of the request that some servers refuse, and that an answer can do without. Pure.

use std::collections::BTreeSet;

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
    Temperature,
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
            Self::Temperature => "temperature",
            Self::SystemRole => "messages[0].role",
            Self::Stream => "stream",
        }
    }
}

/// How servers call the fields, as `param` or in words; in lower case. Words say `stream` of much else, so there it counts
/// only in quotes.
const NAMES: [(&str, Field); 10] = [
    ("stream_options", Field::StreamOptions),
    ("include_usage", Field::StreamOptions),
    ("max_tokens", Field::MaxTokens),
    ("max_completion_tokens", Field::MaxCompletionTokens),
    ("temperature", Field::Temperature),
    ("messages[0].role", Field::SystemRole),
    ("messages.0.role", Field::SystemRole),
    ("'stream'", Field::Stream),
    ("\"stream\"", Field::Stream),
    ("`stream`", Field::Stream),
];

/// What servers say where a model has no system role, in lower case: with the name of the role, or with what else they
/// take. Templates of models say it in their own words.
const NO_SYSTEM_ROLE: [&str; 18] = [
    "system role",
    "'system'",
    "\"system\"",
    "`system`",
    "system message",
    "system prompt",
    "system instruction",
    "developer instruction",
    "developer role",
    "role system",
    "role: system",
    "role must be",
    "roles must",
    "roles are supported",
    "roles should alternate",
    "user and assistant",
    "input should be 'user'",
    "template error",
];

/// Which of the fields that were sent the server does not take.
///
/// It is said in `param` where servers follow `OpenAI`; many others (Mistral, Gemini, older Azure, everything behind
/// pydantic) only name it in their words. Those are read, against a closed list of names, because no harm comes from a
/// wrong reading: the request was refused and nobody has seen a word, each field is left out at most once, and it is
/// remembered only if the request is accepted without it.
pub(super) fn refused(failed: &FailedAttempt, sent: &[Field]) -> Option<Field> {
    let is_sent = |field: &Field| sent.contains(field);
    let body = &failed.body;
    match failed.status?.as_u16() {
        400 | 422 if failed.error.class == ErrorClass::Malformed => {}
        // llama.cpp and text-generation-inference answer so when the template of a model raises an error.
        424 | 500 => return has_no_system_role(body).filter(is_sent),
        _ => return None,
    }
    if let Some(param) = param(body) {
        // Only the role can be wrong with the messages.
        let role = || has_no_system_role(body).filter(|_| param.contains("message"));
        return by_param(&param).or_else(role).filter(is_sent);
    }
    let words = http::words(body);
    let named = NAMES
        .iter()
        .filter(|(_, field)| is_sent(field))
        .filter_map(|(name, field)| Some((place(&words, name)?, *field)));
    // Advice what to use instead comes behind what is wrong.
    named
        .min_by_key(|(place, _)| *place)
        .map(|(_, field)| field)
        .or_else(|| has_no_system_role(body).filter(is_sent))
}

fn has_no_system_role(body: &Value) -> Option<Field> {
    let words = http::words(body);
    let is_said = NO_SYSTEM_ROLE.iter().any(|phrase| words.contains(phrase));
    is_said.then_some(Field::SystemRole)
}

/// What the server names as wrong, in lower case; gateways pass on the error of another as text in `metadata.raw`.
fn param(body: &Value) -> Option<String> {
    let body = body.get(0).unwrap_or(body);
    let object = body.get("error").filter(|error| error.is_object());
    let object = object.unwrap_or(body);
    let param = match object.get("param") {
        Some(Value::String(param)) => param.trim().to_lowercase(),
        Some(Value::Array(path)) => {
            let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
            path.join(".").to_lowercase()
        }
        _ => String::new(),
    };
    if !matches!(param.as_str(), "" | "null" | "none") {
        return Some(param);
    }
    let raw = object.get("metadata")?.get("raw")?.as_str()?;
    // It is parsed once: a text in a text of a text is nobody's error.
    let raw: Value = serde_json::from_str(raw).ok()?;
    raw.get("error")
        .and_then(|error| error.get("param"))
        .or_else(|| raw.get("param"))?
        .as_str()
        .map(str::to_lowercase)
}

/// A parameter may be named with what it is in, or with what is in it: `body.max_tokens`, `stream_options.include_usage`.
fn by_param(param: &str) -> Option<Field> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    if param.rsplit(|letter| !is_part(letter)).next() == Some(Field::Stream.name()) {
        return Some(Field::Stream);
    }
    let named = NAMES.iter().find(|(name, _)| place(param, name).is_some());
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
    use reqwest::StatusCode;
    use serde_json::json;

    use super::super::errors::CODES;
    use super::*;

    const ALL: [Field; 6] = [
        Field::StreamOptions,
        Field::MaxTokens,
        Field::MaxCompletionTokens,
        Field::Temperature,
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
            (
                400,
                json!({"error": {"message": "Unsupported value: 'temperature' does not support 0.2 with this model. Only the \
                    default (1) value is supported.", "param": "temperature", "code": "unsupported_value"}}),
                Field::Temperature,
            ),
            (
                422,
                json!({"detail": [{"loc": ["body", "temperature"], "msg": "Input should be less than or equal to 1"}]}),
                Field::Temperature,
            ),
        ] {
            assert_found(status, &body, expected);
        }
    }

    #[test]
    fn a_model_without_a_system_role_is_known_by_words_and_status() {
        for (status, body, expected) in [
            (
                400,
                json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
                    "message": "Developer instruction is not enabled for models/gemma-3-27b-it"}}]),
                Field::SystemRole,
            ),
            (
                400,
                json!({"object": "error", "message": "Conversation roles must alternate user/assistant/user/assistant/..."}),
                Field::SystemRole,
            ),
            (
                400,
                json!({"message": "Only user and assistant roles are supported!"}),
                Field::SystemRole,
            ),
            (
                422,
                json!({"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'"}]}),
                Field::SystemRole,
            ),
            (
                400,
                json!({"error": {"message": "Invalid role: system", "param": "messages"}}),
                Field::SystemRole,
            ),
            (
                424,
                json!({"error": "Template error: invalid operation: System role not supported", "error_type": "template_error"}),
                Field::SystemRole,
            ),
            (
                500,
                json!({"error": {"code": 500, "message": "System role not supported", "type": "server_error"}}),
                Field::SystemRole,
            ),
        ] {
            assert_found(status, &body, expected);
        }
    }

    #[test]
    fn a_parameter_may_be_named_with_its_place() {
        for (status, body, expected) in [
            (
                400,
                json!({"error": {"message": "no", "param": "body.max_tokens"}}),
                Field::MaxTokens,
            ),
            (
                422,
                json!({"error": {"message": "no", "param": "body -> stream_options"}}),
                Field::StreamOptions,
            ),
            (
                422,
                json!({"error": {"message": "no", "param": ["body", "stream"]}}),
                Field::Stream,
            ),
            (
                400,
                json!({"error": {"message": "Provider returned error", "code": 400,
                    "metadata": {"raw": "{\"error\":{\"message\":\"no\",\"param\":\"max_tokens\"}}"}}}),
                Field::MaxTokens,
            ),
        ] {
            assert_found(status, &body, expected);
        }
    }

    fn assert_found(status: u16, body: &Value, expected: Field) {
        let found = refused_of(status, body.clone(), &ALL);
        assert_eq!(found, Some(expected), "{body}");
        let others: Vec<_> = ALL.into_iter().filter(|field| *field != expected).collect();
        let again = refused_of(status, body.clone(), &others);
        assert_ne!(
            again,
            Some(expected),
            "what was not sent was not refused: {body}"
        );
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
                401,
                json!({"error": {"message": "System role not supported"}}),
            ),
            (
                400,
                json!({"error": {"message": "no", "param": "body.stream_id"}}),
            ),
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
