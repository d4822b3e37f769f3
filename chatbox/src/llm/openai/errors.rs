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
    ("unauthenticated", Authentication),
    ("permission_denied", Authentication),
    ("insufficient_quota", Quota),
    ("billing_hard_limit_reached", Quota),
    ("billing_not_active", Quota),
    ("quota_exceeded", Quota),
    ("insufficient_balance", Quota),
    // Moonshot
    ("exceeded_current_quota_error", Quota),
    // DashScope
    ("arrearage", Quota),
    // Volcengine
    ("accountoverdueerror", Quota),
    // Zhipu
    ("1113", Quota),
    // LiteLLM
    ("budget_exceeded", Quota),
    // one-api and new-api
    ("insufficient_user_quota", Quota),
    ("rate_limit_exceeded", RateLimit),
    ("rate_limit_error", RateLimit),
    ("too_many_requests", RateLimit),
    // Gemini says the same of what passes in a minute and what does in a day.
    ("resource_exhausted", RateLimit),
    ("server_error", Overloaded),
    ("internal_error", Overloaded),
    ("internal_server_error", Overloaded),
    ("api_error", Overloaded),
    ("slow_down", Overloaded),
    ("overloaded_error", Overloaded),
    ("unavailable", Overloaded),
    ("context_length_exceeded", ContextTooLong),
    ("string_above_max_length", ContextTooLong),
    ("request_too_large", ContextTooLong),
    // llama.cpp
    ("exceed_context_size_error", ContextTooLong),
    // Mistral
    ("3051", ContextTooLong),
    // Zhipu
    ("1261", ContextTooLong),
    ("content_filter", ContentRefused),
    ("content_policy_violation", ContentRefused),
    // DashScope
    ("data_inspection_failed", ContentRefused),
    ("datainspectionfailed", ContentRefused),
    // Zhipu
    ("1301", ContentRefused),
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
            let failed = http::rejected(CODES, StatusCode::from_u16(status).unwrap(), body);
            assert_eq!(failed.error.class, expected, "{status} {kind} {code:?}");
        }
    }

    #[test]
    fn the_codes_are_as_they_are_looked_up() {
        for (code, _) in CODES {
            assert_eq!(*code, code.to_lowercase());
        }
    }

    #[test]
    fn an_exhausted_quota_is_never_tried_again() {
        for (status, error) in [
            (402, json!({"message": "Insufficient Balance"})),
            (429, json!({"type": "exceeded_current_quota_error"})),
            (400, json!({"code": "Arrearage"})),
            (403, json!({"code": "AccountOverdueError"})),
            (429, json!({"code": 1113})),
            (400, json!({"type": "budget_exceeded", "code": "400"})),
            // Only in words.
            (
                429,
                json!({"message": "You exceeded your current quota, please check your plan and billing details", "code": 429}),
            ),
            (
                429,
                json!({"message": "litellm.RateLimitError: insufficient_quota", "type": "throttling_error", "code": "429"}),
            ),
            (
                400,
                json!({"message": "Your credit balance is too low to access the API", "type": "invalid_request_error"}),
            ),
            (
                429,
                json!({"message": "You are out of credits", "type": "rate_limit_error"}),
            ),
            (
                503,
                json!({"message": "Insufficient Balance", "type": "unknown"}),
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failed = http::rejected(CODES, status, json!({"error": error}));
            assert_eq!(failed.error.class, Quota, "{error}");
            assert!(!failed.error.class.is_retryable());
        }
        // Gemini's words for what passes in a minute.
        let error = json!({"code": 429, "status": "RESOURCE_EXHAUSTED",
            "message": "You exceeded your current quota, please check your plan and billing details"});
        let passing = json!([{ "error": error }]);
        let failed = http::rejected(CODES, StatusCode::TOO_MANY_REQUESTS, passing);
        assert_eq!(failed.error.class, RateLimit);
    }
}
