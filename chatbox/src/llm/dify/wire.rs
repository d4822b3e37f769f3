//! The JSON that is sent: <https://docs.dify.ai/api-reference/chats/send-chat-message>. Pure.

use std::borrow::Cow;
use std::fmt::Write;

use aws_lc_rs::digest;
use serde::Serialize;

use crate::chat::SessionId;
use crate::llm::{Message, Request, Role};

#[derive(Serialize)]
pub(super) struct Body<'a> {
    inputs: Inputs,
    query: Cow<'a, str>,
    response_mode: &'static str,
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<&'a str>,
    /// Nobody reads the title, which costs a call of a model.
    auto_generate_name: bool,
}

/// Variables of the app: what they are is not known here.
#[derive(Serialize)]
struct Inputs {}

pub(super) fn request(request: &Request) -> Body<'_> {
    Body {
        inputs: Inputs {},
        query: query(request),
        response_mode: "streaming",
        user: user(&request.session),
        conversation_id: request.state.as_deref(),
        auto_generate_name: false,
    }
}

/// The question; behind what came before it, if Dify does not know that.
fn query(request: &Request) -> Cow<'_, str> {
    let Some((question, before)) = request.messages.split_last() else {
        unreachable!("a request has a question");
    };
    if request.state.is_some() || before.is_empty() {
        return Cow::Borrowed(&question.content);
    }
    let history: Vec<_> = before.iter().map(line).collect();
    Cow::Owned(format!(
        "The conversation so far:\n\n{}\n\nThe next message of the user:\n\n{}",
        history.join("\n\n"),
        question.content
    ))
}

fn line(message: &Message) -> String {
    let role = match message.role {
        Role::User => "User",
        Role::Assistant => "Assistant",
    };
    format!("{role}: {}", message.content)
}

/// Who asks, for Dify: the same in all of a session, because it gives a conversation only to the user who began it, and
/// nothing that leads back to the session.
fn user(session: &SessionId) -> String {
    let digest = digest::digest(&digest::SHA256, session.as_str().as_bytes());
    let mut user = "chatbox-".to_owned();
    for byte in digest.as_ref().iter().take(16) {
        // A String is no writer that fails.
        let _ = write!(user, "{byte:02x}");
    }
    user
}
