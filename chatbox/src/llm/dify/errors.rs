//! Their error codes: <https://docs.dify.ai/api-reference/chats/send-chat-message>.

use crate::llm::ErrorClass::{Authentication, Malformed, Overloaded, Quota, RateLimit};
use crate::llm::http::{ErrorCodes, FailedAttempt};

const CONVERSATION_NOT_EXISTS: &str = "conversation_not_exists";
const CONVERSATION_COMPLETED: &str = "conversation_completed";

pub(super) const CODES: ErrorCodes = &[
    ("unauthorized", Authentication),
    // The app has no key of a model.
    ("provider_not_initialize", Authentication),
    ("provider_quota_exceeded", Quota),
    ("too_many_requests", RateLimit),
    ("rate_limit_error", RateLimit),
    // Whatever the model's provider has reported, mostly that it is busy: Dify sends it with 400.
    ("completion_request_error", Overloaded),
    ("internal_server_error", Overloaded),
    ("invalid_param", Malformed),
    ("app_unavailable", Malformed),
    ("not_chat_app", Malformed),
    ("model_currently_not_support", Malformed),
    (CONVERSATION_NOT_EXISTS, Malformed),
    (CONVERSATION_COMPLETED, Malformed),
];

/// Whether Dify does not go on with the conversation. That it does not know it is mostly said by the status alone.
pub(super) fn is_lost_conversation(failed: &FailedAttempt) -> bool {
    let code = failed.body["code"].as_str();
    failed.status.is_some_and(|status| status == 404)
        || matches!(code, Some(CONVERSATION_NOT_EXISTS | CONVERSATION_COMPLETED))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::llm::ErrorClass::ContextTooLong;
    use crate::llm::http;

    #[test]
    fn errors_as_they_are_sent() {
        let request = "completion_request_error";
        for (status, code, message, expected) in [
            (400, "invalid_param", "m", Malformed),
            (400, "app_unavailable", "m", Malformed),
            (400, "not_chat_app", "m", Malformed),
            (400, "provider_not_initialize", "m", Authentication),
            (400, "provider_quota_exceeded", "m", Quota),
            (400, "model_currently_not_support", "m", Malformed),
            (400, request, "[openai] Server Unavailable", Overloaded),
            (
                400,
                request,
                "[openai] Bad Request: maximum context length is 8192 tokens",
                ContextTooLong,
            ),
            (
                400,
                request,
                "[openai] Rate Limit: insufficient_quota",
                Quota,
            ),
            (400, "conversation_completed", "m", Malformed),
            (
                401,
                "unauthorized",
                "Access token is invalid",
                Authentication,
            ),
            (404, "not_found", "Conversation Not Exists.", Malformed),
            (404, "conversation_not_exists", "m", Malformed),
            (429, "too_many_requests", "m", RateLimit),
            (500, "internal_server_error", "m", Overloaded),
            (503, "unknown", "m", Overloaded),
        ] {
            let body = json!({"code": code, "message": message, "status": status});
            let status = StatusCode::from_u16(status).unwrap();
            let failed = http::rejected(CODES, status, body);
            assert_eq!(failed.error.class, expected, "{status} {code} {message}");
            let is_lost = status == 404 || code.starts_with("conversation_");
            assert_eq!(is_lost_conversation(&failed), is_lost, "{status} {code}");
        }
    }
}
