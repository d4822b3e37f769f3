//! Parts of the request that some models refuse, and that an answer can do without. Pure.

use std::collections::BTreeSet;

use crate::llm::ErrorClass;
use crate::llm::http::{self, FailedAttempt};

/// A part of the request that an answer can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// The default stands there then: there is no request without it.
    MaxTokens,
    Temperature,
}

/// The fields that a model's server has refused.
pub(super) type Refused = BTreeSet<Field>;

impl Field {
    /// As it stands in the request.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::Temperature => "temperature",
        }
    }
}

/// Which of the fields that were sent the server does not take.
///
/// There is no code for it: its words begin with the name of the field, or have it in quotes. They are read against the names
/// of what was sent, because no harm comes from a wrong reading: the request was refused and nobody has seen a word, each
/// field is left out at most once, and it is remembered only if the request is accepted without it.
pub(super) fn refused(failed: &FailedAttempt, sent: &[Field]) -> Option<Field> {
    let status = failed.status?.as_u16();
    if !matches!(status, 400 | 422) || failed.error.class != ErrorClass::Malformed {
        return None;
    }
    let words = http::words(&failed.body);
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    // Advice what to use instead comes behind what is wrong.
    words
        .split(|letter| !is_part(letter))
        .find_map(|word| sent.iter().copied().find(|field| field.name() == word))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::{Value, json};

    use super::super::errors::CODES;
    use super::*;

    fn refused_of(status: u16, message: &str, sent: &[Field]) -> Option<Field> {
        let body: Value = json!({"type": "error",
            "error": {"type": "invalid_request_error", "message": message}});
        let status = StatusCode::from_u16(status).unwrap();
        refused(&http::rejected(CODES, status, body), sent)
    }

    #[test]
    fn what_a_server_refuses_is_found() {
        let all = [Field::MaxTokens, Field::Temperature];
        let too_many = "max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-3-5";
        assert_eq!(refused_of(400, too_many, &all), Some(Field::MaxTokens));
        let words = "`max_tokens` is too large";
        assert_eq!(refused_of(422, words, &all), Some(Field::MaxTokens));
        let words = "`temperature` is deprecated for this model.";
        assert_eq!(refused_of(400, words, &all), Some(Field::Temperature));
        for (status, message, sent) in [
            (400, too_many, &[][..]),
            (401, too_many, &all),
            (500, too_many, &all),
            (400, "max_tokens_to_sample: unexpected", &all),
            (400, "messages: at least one message is required", &all),
        ] {
            assert_eq!(refused_of(status, message, sent), None, "{message}");
        }
    }
}
