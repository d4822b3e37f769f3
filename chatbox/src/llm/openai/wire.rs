//! Their JSON, as far as we send and read it: <https://platform.openai.com/docs/api-reference/chat>.

use serde::{Deserialize, Deserializer, Serialize};

use crate::llm::{Request, Role};

#[derive(Serialize)]
pub(super) struct Body {
    model: String,
    messages: Vec<Message>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i32>,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// What one event holds. Compatible endpoints leave out or null nearly everything, so everything may be missing.
#[derive(Deserialize)]
pub(super) struct Chunk {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<serde_json::Value>,
}

#[derive(Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) delta: Delta,
    pub(super) finish_reason: Option<FinishReason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FinishReason {
    ContentFilter,
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Usage {
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) prompt_tokens: u32,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) completion_tokens: u32,
}

pub(super) fn request(model: &str, request: Request, max_tokens: Option<i32>) -> Body {
    let system = request.system.map(|content| Message {
        role: "system",
        content,
    });
    let messages = request.messages.into_iter().map(|message| Message {
        role: match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: message.content,
    });
    Body {
        model: model.to_owned(),
        messages: system.into_iter().chain(messages).collect(),
        stream: true,
        stream_options: StreamOptions {
            include_usage: true,
        },
        max_tokens,
    }
}

fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    value: D,
) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}
