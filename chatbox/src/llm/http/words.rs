//! What an error says in words, where servers have no code for it. Pure.
//!
//! Many (vLLM, LM Studio, Gemini and others) have none for a request that is longer than the model takes. That reading of
//! words is allowed because a wrong one does no harm: it costs a few attempts with less history, before anybody has seen a
//! word, and an error that would have failed anyway.

use serde_json::Value;

/// The fields of an error that hold words, or others that do; `loc` holds the names of fields.
const WORDS: [&str; 15] = [
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
    "details",
    "title",
    "description",
];

/// What servers without a code say of a request that is too long; in lower case.
const TOO_LONG: [&str; 25] = [
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
    "too many input tokens",
    "context_length_exceeded",
];

/// What servers say of a request that alone is larger than the rate of tokens; in lower case.
const LARGER_THAN_THE_RATE: [&str; 2] = ["request too large", "tokens must be reduced"];

/// What servers say of an account that has nothing left to spend; in lower case.
const EXHAUSTED: [&str; 14] = [
    "insufficient_quota",
    "insufficient quota",
    "insufficient balance",
    "insufficient_balance",
    "insufficient credit",
    "insufficient_credit",
    "insufficient funds",
    "credit balance",
    "out of credit",
    "more credits",
    "enough credit",
    "no credit",
    "account balance",
    "quota exhausted",
];

/// The same, in words that some also say of what passes in a minute: they count where no code says so.
const MAYBE_EXHAUSTED: [&str; 4] = [
    "current quota",
    "billing",
    "exceeded your quota",
    "quota exceeded",
];

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

/// Whether an error says that the request is longer than the model takes.
pub(super) fn is_too_long(body: &Value) -> bool {
    let words = words(body);
    TOO_LONG.iter().any(|phrase| words.contains(phrase))
}

/// Whether an error says that the request alone is more than a minute may hold.
pub(super) fn is_larger_than_the_rate(body: &Value) -> bool {
    let words = words(body);
    LARGER_THAN_THE_RATE
        .iter()
        .any(|phrase| words.contains(phrase))
}

/// Whether an error says that the account has nothing left to spend; `is_passing`, if its code says that it has.
pub(super) fn is_exhausted(body: &Value, is_passing: bool) -> bool {
    let words = words(body);
    let is_said = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    is_said(&EXHAUSTED) || (!is_passing && is_said(&MAYBE_EXHAUSTED))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_that_is_too_long_is_known_by_words() {
        for body in [
            json!({"object": "error", "type": "BadRequestError", "param": null, "code": 400,
                    "message": "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens"}),
            json!({"object": "error", "message": "max_tokens must be at least 1, got -186.", "code": 400}),
            json!({"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is \
                    loaded with context length of only 4096 tokens"}),
            json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
                    "message": "The input token count (2000000) exceeds the maximum number of tokens allowed"}}]),
            json!({"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
            json!({"error": {"code": 500, "message": "the request exceeds the available context size", "type": "x"}}),
            json!("prompt is too long: 200001 tokens > 200000 maximum"),
            json!({"error": {"type": "bad_request", "message": "prompt is too long: 5 tokens"}}),
            json!({"error": {"message": "Provider returned error", "code": 400,
                    "metadata": {"raw": "{\"message\":\"maximum context length is 8192\"}"}}}),
            json!({"error": {"message": "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"}}),
            json!({"message": "The input (9000 tokens) exceeds the maximum allowed length (8192 tokens)"}),
            json!({"message": "Too many input tokens. Max input tokens: 8192", "title": "x"}),
        ] {
            assert!(is_too_long(&body), "{body}");
        }
        for body in [
            json!({"message": "the model is overloaded"}),
            json!({"detail": [{"msg": "field required", "input": {"content": "context length?"}}]}),
            json!(null),
        ] {
            assert!(!is_too_long(&body), "{body}");
        }
    }
}
