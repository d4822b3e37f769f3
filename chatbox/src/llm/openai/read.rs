//! Fields of any type → what is meant by them. Pure.
//!
//! Servers that speak this API write numbers as text, lists where others have text, `null` and `""` for nothing, and
//! objects around all of them. None of that fails an answer: what is understood is taken, the rest is left.

use serde_json::Value;

use crate::llm::{Finish, Usage};

/// Why the model ended its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finish(Finish),
    /// The provider could not go on.
    Error,
}

/// The text of a field: text, a number, or a list of parts. Parts that are thoughts or pictures have none.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(parts) => parts.iter().map(text).collect(),
        Value::Object(part) => {
            let is_text = match part.get("type").and_then(Value::as_str) {
                Some(kind) => matches!(kind, "text" | "output_text"),
                None => true,
            };
            let text_of = |value: &Value| match value.get("value") {
                Some(value) => text(value),
                None => text(value),
            };
            part.get("text")
                .filter(|_| is_text)
                .map(text_of)
                .unwrap_or_default()
        }
        Value::Null | Value::Bool(_) => String::new(),
    }
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

/// What the provider counted, under either pair of names.
pub(super) fn usage(value: &Value) -> Option<Usage> {
    let usage = value.as_object()?;
    let count = |names: [&str; 2]| names.into_iter().find_map(|name| count(usage.get(name)?));
    let question = count(["prompt_tokens", "input_tokens"]);
    let answer = count(["completion_tokens", "output_tokens"]);
    (question.is_some() || answer.is_some()).then(|| Usage {
        question: question.unwrap_or_default(),
        answer: answer.unwrap_or_default(),
    })
}

/// A number, also as text or with a fraction.
pub(super) fn count(value: &Value) -> Option<u32> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only what fits is cast"
    )]
    (0.0..=f64::from(u32::MAX))
        .contains(&number)
        .then_some(number as u32)
}

/// Whether a field says nothing, as servers write it that always write it.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "null",
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_of_any_type() {
        for (value, expected) in [
            (json!("a"), "a"),
            (json!(42), "42"),
            (json!(null), ""),
            (json!(true), ""),
            (json!([]), ""),
            (json!(["a", "b"]), "ab"),
            (
                json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
                "ab",
            ),
            (
                json!([{"text": "a"}, {"type": "image_url", "image_url": {}}, null]),
                "a",
            ),
            (
                json!([{"type": "thinking", "thinking": [{"type": "text", "text": "no"}]}, {"type": "text", "text": "a"}]),
                "a",
            ),
            (json!([{"type": "reasoning", "text": "no"}]), ""),
            (json!({"type": "text", "text": {"value": "a"}}), "a"),
            (json!({}), ""),
        ] {
            assert_eq!(text(&value), expected, "{value}");
        }
    }

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

    #[test]
    fn numbers_of_any_type() {
        for (value, expected) in [
            (json!(3), Some(3)),
            (json!(3.0), Some(3)),
            (json!(3.7), Some(3)),
            (json!("3"), Some(3)),
            (json!(" 3 "), Some(3)),
            (json!(u32::MAX), Some(u32::MAX)),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("x"), None),
            (json!(null), None),
            (json!([3]), None),
        ] {
            assert_eq!(count(&value), expected, "{value}");
        }
        for (value, expected) in [
            (
                json!({"prompt_tokens": 3, "completion_tokens": "2"}),
                Some((3, 2)),
            ),
            (json!({"input_tokens": 3, "output_tokens": 2}), Some((3, 2))),
            (
                json!({"prompt_tokens": 3, "completion_tokens": null}),
                Some((3, 0)),
            ),
            (json!({"total_tokens": 3}), None),
            (json!(null), None),
            (json!(7), None),
        ] {
            let usage = usage(&value).map(|usage| (usage.question, usage.answer));
            assert_eq!(usage, expected, "{value}");
        }
    }
}
