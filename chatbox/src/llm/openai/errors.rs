//! Their error codes and types: <https://platform.openai.com/docs/guides/error-codes>, and those of servers that speak
//! the same.

use crate::llm::ErrorClass::{
    Authentication, ContentRefused, ContextTooLong, Malformed, Overloaded, Quota, RateLimit,
};
use crate::llm::http::ErrorCodes;

pub(super) const CODES: ErrorCodes = &[
    ("invalid_api_key", Authentication),
    ("authentication_error", Authentication),
    ("permission_error", Authentication),
    ("account_deactivated", Authentication),
    ("insufficient_quota", Quota),
    ("billing_hard_limit_reached", Quota),
    ("billing_not_active", Quota),
    ("rate_limit_exceeded", RateLimit),
    ("rate_limit_error", RateLimit),
    ("server_error", Overloaded),
    ("internal_error", Overloaded),
    ("slow_down", Overloaded),
    ("overloaded_error", Overloaded),
    ("context_length_exceeded", ContextTooLong),
    ("string_above_max_length", ContextTooLong),
    // llama.cpp
    ("exceed_context_size_error", ContextTooLong),
    ("content_filter", ContentRefused),
    ("content_policy_violation", ContentRefused),
    ("model_not_found", Malformed),
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
        for (status, kind, code, expected) in [
            (
                400,
                request,
                Some("context_length_exceeded"),
                ContextTooLong,
            ),
            (
                400,
                request,
                Some("string_above_max_length"),
                ContextTooLong,
            ),
            (
                400,
                request,
                Some("content_policy_violation"),
                ContentRefused,
            ),
            (400, request, Some("content_filter"), ContentRefused),
            (400, request, None, Malformed),
            (400, "exceed_context_size_error", None, ContextTooLong),
            (401, request, Some("invalid_api_key"), Authentication),
            (
                403,
                request,
                Some("unsupported_country_region_territory"),
                Authentication,
            ),
            (404, request, Some("model_not_found"), Malformed),
            (413, request, None, ContextTooLong),
            (429, "insufficient_quota", Some("insufficient_quota"), Quota),
            (429, request, Some("billing_hard_limit_reached"), Quota),
            (429, "tokens", Some("rate_limit_exceeded"), RateLimit),
            (429, "requests", None, RateLimit),
            (500, "server_error", None, Overloaded),
            (503, "server_error", Some("slow_down"), Overloaded),
            (529, "unknown", None, Overloaded),
        ] {
            let body =
                json!({"error": {"message": "m", "type": kind, "param": null, "code": code}});
            let error = http::rejected(CODES, StatusCode::from_u16(status).unwrap(), &body);
            assert_eq!(error.class, expected, "{status} {kind} {code:?}");
        }
    }
}
