//! The JSON that is sent: <https://platform.openai.com/docs/api-reference/chat>. Pure.

use std::borrow::Cow;

use serde::Serialize;

use super::fields::{Field, Refused};
use crate::llm::{Request, Role};

/// What the document sets for a model, and a server may refuse.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub(super) answer_tokens: Option<i32>,
    pub(super) temperature: Option<f64>,
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Cow<'a, str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The request without what the model's server has refused.
pub(super) fn request<'a>(
    model: &'a str,
    request: &'a Request,
    options: Options,
    refused: &Refused,
) -> Body<'a> {
    let sent = fields(request, options, refused);
    let has = |field| sent.contains(&field);
    Body {
        model,
        messages: messages(request, has(Field::SystemRole)),
        stream: has(Field::Stream),
        stream_options: has(Field::StreamOptions).then_some(StreamOptions {
            include_usage: true,
        }),
        max_tokens: options.answer_tokens.filter(|_| has(Field::MaxTokens)),
        max_completion_tokens: options
            .answer_tokens
            .filter(|_| has(Field::MaxCompletionTokens)),
        temperature: options.temperature.filter(|_| has(Field::Temperature)),
    }
}

/// Which of the fields that a server may refuse stand in a request.
pub(super) fn fields(request: &Request, options: Options, refused: &Refused) -> Vec<Field> {
    // The old name first: servers of others know it longer.
    let limit = [Field::MaxTokens, Field::MaxCompletionTokens]
        .into_iter()
        .find(|name| !refused.contains(name))
        .filter(|_| options.answer_tokens.is_some());
    let system = request.system.as_ref().map(|_| Field::SystemRole);
    let usage = (!refused.contains(&Field::Stream)).then_some(Field::StreamOptions);
    let temperature = options.temperature.map(|_| Field::Temperature);
    [Some(Field::Stream), usage, limit, temperature, system]
        .into_iter()
        .flatten()
        .filter(|field| !refused.contains(field))
        .collect()
}

/// Without a role of its own the system prompt goes in front of the first question.
fn messages(request: &Request, has_system_role: bool) -> Vec<Message<'_>> {
    let mut messages: Vec<_> = request
        .messages
        .iter()
        .map(|message| Message {
            role: match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            },
            content: Cow::Borrowed(&*message.content),
        })
        .collect();
    let Some(system) = &request.system else {
        return messages;
    };
    if has_system_role {
        let content = Cow::Borrowed(&**system);
        messages.insert(
            0,
            Message {
                role: "system",
                content,
            },
        );
    } else if let Some(first) = messages.first_mut() {
        first.content = format!("{system}\n\n{}", first.content).into();
    }
    messages
}
