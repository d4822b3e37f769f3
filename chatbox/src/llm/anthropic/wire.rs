//! The JSON that is sent: <https://docs.anthropic.com/en/api/messages>. Pure.

use serde::Serialize;

use super::fields::{Field, Refused};
use crate::llm::{Request, Role};

/// The API has no default of its own; every model of it takes so much.
const DEFAULT_ANSWER_TOKENS: i32 = 4096;

/// What the document sets for a model, and a server may refuse.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) answer_tokens: Option<i32>,
    pub(super) temperature: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    max_tokens: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// The request without what the model's server has refused.
pub(super) fn request<'a>(
    model: &'a str,
    request: &'a Request,
    options: Options,
    refused: &Refused,
) -> Body<'a> {
    let sent = fields(options, refused);
    let message = |message: &'a crate::llm::Message| Message {
        role: match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: &message.content,
    };
    Body {
        model,
        max_tokens: options
            .answer_tokens
            .filter(|tokens| *tokens <= DEFAULT_ANSWER_TOKENS || sent.contains(&Field::MaxTokens))
            .unwrap_or(DEFAULT_ANSWER_TOKENS),
        system: request.system.as_deref(),
        messages: request.messages.iter().map(message).collect(),
        temperature: options
            .temperature
            .filter(|_| sent.contains(&Field::Temperature)),
        stream: true,
    }
}

/// Which of the fields that a server may refuse stand in a request.
pub(super) fn fields(options: Options, refused: &Refused) -> Vec<Field> {
    let is_long = options
        .answer_tokens
        .is_some_and(|tokens| tokens > DEFAULT_ANSWER_TOKENS);
    let limit = is_long.then_some(Field::MaxTokens);
    let temperature = options.temperature.map(|_| Field::Temperature);
    [limit, temperature]
        .into_iter()
        .flatten()
        .filter(|field| !refused.contains(field))
        .collect()
}
