//! The reason why a model stopped, in whatever words. Pure.

use serde_json::Value;

use crate::llm::Finish;

/// Why the model ended its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finish(Finish),
    /// The provider could not go on.
    Error,
}

/// The reason of an end; an unknown one is an end like any other. No reason is no end, however it is written.
pub(super) fn end(value: &Value) -> Option<End> {
    let word = match value {
        Value::String(word) => word.trim().to_lowercase().replace('-', "_"),
        Value::Object(details) => return end(details.get("type").or(details.get("reason"))?),
        Value::Bool(true) => "stop".to_owned(),
        Value::Null | Value::Bool(false) | Value::Number(_) | Value::Array(_) => return None,
    };
    Some(match word.as_str() {
        "" | "null" | "none" | "undefined" => return None,
        // Mistral's second one: the room for question and answer together.
        "length"
        | "model_length"
        | "max_tokens"
        | "max_output_tokens"
        | "max_new_tokens"
        | "max_length"
        | "token_limit"
        | "context_length_exceeded"
        | "model_context_window_exceeded"
        | "incomplete" => End::Finish(Finish::Length),
        "content_filter"
        | "content_filtered"
        | "safety"
        | "sensitive"
        | "prohibited_content"
        | "blocklist"
        | "recitation"
        | "spii"
        | "moderation"
        | "risk"
        | "censored"
        | "error_toxic"
        | "guardrail_intervened" => End::Finish(Finish::ContentFilter),
        "refusal" => End::Finish(Finish::Refusal),
        "error"
        | "abort"
        | "aborted"
        | "cancelled"
        | "canceled"
        | "failed"
        | "timeout"
        | "server_error"
        | "unavailable"
        | "user_cancel"
        | "other"
        | "malformed_function_call"
        | "network_error"
        | "insufficient_system_resource"
        | "engine_overloaded"
        | "repetition_truncation" => End::Error,
        _ => End::Finish(Finish::Stop),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ends() {
        let finish = |finish| Some(End::Finish(finish));
        for (value, expected) in [
            (json!("stop"), finish(Finish::Stop)),
            (json!("STOP"), finish(Finish::Stop)),
            (json!("eos"), finish(Finish::Stop)),
            (json!("tool_calls"), finish(Finish::Stop)),
            (json!("something new"), finish(Finish::Stop)),
            (json!(true), finish(Finish::Stop)),
            (json!("length"), finish(Finish::Length)),
            (json!("MAX_TOKENS"), finish(Finish::Length)),
            (json!("model_length"), finish(Finish::Length)),
            (json!({"type": "max_tokens"}), finish(Finish::Length)),
            (json!("content_filter"), finish(Finish::ContentFilter)),
            (json!("SAFETY"), finish(Finish::ContentFilter)),
            (json!("refusal"), finish(Finish::Refusal)),
            (json!("error"), Some(End::Error)),
            (json!("canceled"), Some(End::Error)),
            (json!("server_error"), Some(End::Error)),
            (
                json!("content-filter"),
                Some(End::Finish(Finish::ContentFilter)),
            ),
            (
                json!("context_length_exceeded"),
                Some(End::Finish(Finish::Length)),
            ),
            (json!("FAILED"), Some(End::Error)),
            (json!("MALFORMED_FUNCTION_CALL"), Some(End::Error)),
            (
                json!("model_context_window_exceeded"),
                Some(End::Finish(Finish::Length)),
            ),
            (
                json!("error_toxic"),
                Some(End::Finish(Finish::ContentFilter)),
            ),
            (json!("insufficient_system_resource"), Some(End::Error)),
            (json!(null), None),
            (json!(""), None),
            (json!("null"), None),
            (json!("None"), None),
            (json!(" "), None),
            (json!(false), None),
            (json!(0), None),
            (json!([]), None),
            (json!({}), None),
        ] {
            assert_eq!(end(&value), expected, "{value}");
        }
    }
}
