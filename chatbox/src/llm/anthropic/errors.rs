//! Their error types: <https://docs.anthropic.com/en/api/errors>.

use crate::llm::ErrorClass::{
    Authentication, ContextTooLong, Malformed, Overloaded, Quota, RateLimit,
};
use crate::llm::http::ErrorCodes;

pub(super) const CODES: ErrorCodes = &[
    ("authentication_error", Authentication),
    ("permission_error", Authentication),
    ("billing_error", Quota),
    ("rate_limit_error", RateLimit),
    ("request_too_large", ContextTooLong),
    ("api_error", Overloaded),
    // Theirs, of a request that took too long on their side.
    ("timeout_error", Overloaded),
    ("conflict_error", Overloaded),
    ("overloaded_error", Overloaded),
    ("not_found_error", Malformed),
    ("invalid_request_error", Malformed),
];

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::llm::http;

    #[test]
    fn errors_as_they_are_sent() {
        let request = "invalid_request_error";
        for (status, kind, message, expected) in [
            (400, request, "messages: field required", Malformed),
            (
                400,
                request,
                "prompt is too long: 200001 tokens > 200000 maximum",
                ContextTooLong,
            ),
            (
                400,
                request,
                "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
                ContextTooLong,
            ),
            (
                400,
                request,
                "Your credit balance is too low to access the Anthropic API",
                Quota,
            ),
            (
                401,
                "authentication_error",
                "invalid x-api-key",
                Authentication,
            ),
            (402, "billing_error", "m", Quota),
            (403, "permission_error", "m", Authentication),
            (404, "not_found_error", "model: m", Malformed),
            (409, "conflict_error", "m", Overloaded),
            (
                413,
                "request_too_large",
                "Request exceeds the maximum size",
                ContextTooLong,
            ),
            (
                429,
                "rate_limit_error",
                "This request would exceed your rate limit",
                RateLimit,
            ),
            (500, "api_error", "Internal server error", Overloaded),
            (504, "timeout_error", "m", Overloaded),
            (529, "overloaded_error", "Overloaded", Overloaded),
            (529, "unknown", "m", Overloaded),
        ] {
            let body = json!({"type": "error", "error": {"type": kind, "message": message},
                "request_id": "req_1"});
            let status = StatusCode::from_u16(status).unwrap();
            let failed = http::rejected(CODES, status, body);
            assert_eq!(failed.error.class, expected, "{status} {kind} {message}");
        }
    }
}
