use reqwest::StatusCode;
use serde_json::json;

use super::*;
use crate::llm::openai::errors::CODES;

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
                "metadata": {"raw": "{\"error\":{\"message\":\"use max_completion_tokens\",\"param\":\"max_tokens\"}}"}}}),
            Field::MaxTokens,
        ),
    ] {
        assert_found(status, &body, expected);
    }
}

#[test]
fn a_field_is_known_by_each_of_its_names() {
    for (name, expected) in [
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
    ] {
        let words = format!("The value of {name} is not taken here");
        assert_found(400, &json!({"error": {"message": words}}), expected);
        assert_found(400, &json!({"error": {"param": name}}), expected);
    }
}

#[test]
fn each_way_to_say_that_there_is_no_system_role_is_known() {
    for words in [
        "There is no system role",
        "'system' is not taken",
        "\"system\" is not taken",
        "`system` is not taken",
        "A system message is not taken",
        "No system prompt, please",
        "System instruction is not enabled",
        "Developer instruction is not enabled",
        "There is no developer role",
        "No role system here",
        "Wrong role: system",
        "A role must be known",
        "The roles must take turns",
        "Only those roles are supported",
        "The roles should alternate",
        "Only user and assistant may speak",
        "Input should be 'user'",
        "Template error: none",
    ] {
        assert_found(400, &json!({"message": words}), Field::SystemRole);
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
