//! Parts of the request that some servers refuse, and that an answer can do without. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::llm::ErrorClass;
use crate::llm::http::{self, FailedAttempt};

/// A part of the request that an answer can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    StreamOptions,
    /// The length of the answer goes under the other name then.
    MaxTokens,
    MaxCompletionTokens,
    Temperature,
    /// The system prompt goes in front of the first question then.
    SystemRole,
    /// The answer comes in one piece then.
    Stream,
}

/// The fields that a model's server has refused.
pub(super) type Refused = BTreeSet<Field>;

impl Field {
    /// As it stands in the request.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::StreamOptions => "stream_options",
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::Temperature => "temperature",
            Self::SystemRole => "messages[0].role",
            Self::Stream => "stream",
        }
    }
}

/// How servers call the fields, as `param` or in words; in lower case. Words say `stream` of much else, so there it counts
/// only in quotes.
const NAMES: [(&str, Field); 10] = [
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
];

/// What servers say where a model has no system role, in lower case: with the name of the role, or with what else they
/// take. Templates of models say it in their own words.
const NO_SYSTEM_ROLE: [&str; 18] = [
    "system role",
    "'system'",
    "\"system\"",
    "`system`",
    "system message",
    "system prompt",
    "system instruction",
    "developer instruction",
    "developer role",
    "role system",
    "role: system",
    "role must be",
    "roles must",
    "roles are supported",
    "roles should alternate",
    "user and assistant",
    "input should be 'user'",
    "template error",
];

/// Which of the fields that were sent the server does not take.
///
/// It is said in `param` where servers follow `OpenAI`; many others (Mistral, Gemini, older Azure, everything behind
/// pydantic) only name it in their words. Those are read, against a closed list of names, because no harm comes from a
/// wrong reading: the request was refused and nobody has seen a word, each field is left out at most once, and it is
/// remembered only if the request is accepted without it.
pub(super) fn refused(failed: &FailedAttempt, sent: &[Field]) -> Option<Field> {
    let is_sent = |field: &Field| sent.contains(field);
    let body = &failed.body;
    match failed.status?.as_u16() {
        400 | 422 if failed.error.class == ErrorClass::Malformed => {}
        // llama.cpp and text-generation-inference answer so when the template of a model raises an error.
        424 | 500 => return has_no_system_role(body).filter(is_sent),
        _ => return None,
    }
    if let Some(param) = param(body) {
        // Only the role can be wrong with the messages.
        let role = || has_no_system_role(body).filter(|_| param.contains("message"));
        return by_param(&param).or_else(role).filter(is_sent);
    }
    let words = http::words(body);
    let named = NAMES
        .iter()
        .filter(|(_, field)| is_sent(field))
        .filter_map(|(name, field)| Some((place(&words, name)?, *field)));
    // Advice what to use instead comes behind what is wrong.
    named
        .min_by_key(|(place, _)| *place)
        .map(|(_, field)| field)
        .or_else(|| has_no_system_role(body).filter(is_sent))
}

fn has_no_system_role(body: &Value) -> Option<Field> {
    let words = http::words(body);
    let is_said = NO_SYSTEM_ROLE.iter().any(|phrase| words.contains(phrase));
    is_said.then_some(Field::SystemRole)
}

/// What the server names as wrong, in lower case; gateways pass on the error of another as text in `metadata.raw`.
fn param(body: &Value) -> Option<String> {
    let body = body.get(0).unwrap_or(body);
    let object = body.get("error").filter(|error| error.is_object());
    let object = object.unwrap_or(body);
    let param = match object.get("param") {
        Some(Value::String(param)) => param.trim().to_lowercase(),
        Some(Value::Array(path)) => {
            let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
            path.join(".").to_lowercase()
        }
        _ => String::new(),
    };
    if !matches!(param.as_str(), "" | "null" | "none") {
        return Some(param);
    }
    let raw = object.get("metadata")?.get("raw")?.as_str()?;
    // It is parsed once: a text in a text of a text is nobody's error.
    let raw: Value = serde_json::from_str(raw).ok()?;
    raw.get("error")
        .and_then(|error| error.get("param"))
        .or_else(|| raw.get("param"))?
        .as_str()
        .map(str::to_lowercase)
}

/// A parameter may be named with what it is in, or with what is in it: `body.max_tokens`, `stream_options.include_usage`.
fn by_param(param: &str) -> Option<Field> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    if param.rsplit(|letter| !is_part(letter)).next() == Some(Field::Stream.name()) {
        return Some(Field::Stream);
    }
    let named = NAMES.iter().find(|(name, _)| place(param, name).is_some());
    named.map(|(_, field)| *field)
}

/// Where `name` stands as a word of its own.
fn place(words: &str, name: &str) -> Option<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    words
        .match_indices(name)
        .map(|(place, _)| place)
        .find(|&place| {
            let (before, behind) = (&words[..place], &words[place + name.len()..]);
            !before.ends_with(is_part) && !behind.starts_with(is_part)
        })
}

#[cfg(test)]
mod tests;
