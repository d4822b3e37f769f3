//! Fields of any type → what is meant by them. Pure.
//!
//! Servers that speak the API of somebody else write numbers as text, lists where others have text, `null` and `""` for
//! nothing, and objects around all of them. None of that fails an answer: what is understood is taken, the rest is left.

use serde_json::Value;

use crate::llm::Usage;

/// The text of a field: text, a number, or a list of parts. Parts that are thoughts or pictures have none.
pub(in crate::llm) fn text(value: &Value) -> String {
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

/// What the provider counted, under either pair of names.
pub(in crate::llm) fn usage(value: &Value) -> Option<Usage> {
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
pub(in crate::llm) fn count(value: &Value) -> Option<u32> {
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
pub(in crate::llm) fn is_nothing(value: &Value) -> bool {
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
