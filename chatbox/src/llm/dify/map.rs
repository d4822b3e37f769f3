//! Their events → ours: <https://docs.dify.ai/api-reference/chats/send-chat-message>. Pure.

use serde_json::Value;

use super::errors;
use crate::chat::thoughts;
use crate::llm::http::values::{text, usage};
use crate::llm::http::{self, Batch, ErrorCodes, Reported};
use crate::llm::{Event, Finish};

/// Reads one answer: the events of a stream, or one message.
#[derive(Default)]
pub(super) struct Mapper {
    /// The conversation that was told already.
    conversation: Option<String>,
    /// What came of the answer.
    text: String,
    /// What the answer is, since a moderation has replaced it.
    replaced: Option<Finish>,
    has_ended: bool,
}

impl http::Mapper for Mapper {
    const ERROR_CODES: ErrorCodes = errors::CODES;

    fn map(&mut self, event: &Value, batch: &mut Batch) -> Result<(), Reported> {
        if let Some(usage) = usage(&event["metadata"]["usage"]) {
            batch.push(Event::Usage(usage));
        }
        match event["event"].as_str() {
            Some("error") => return Err(Reported(event.clone())),
            Some("message" | "agent_message") => {
                self.remember(event, batch);
                // What comes behind a replacement was replaced too.
                if self.replaced.is_none() {
                    self.push(text(&event["answer"]), batch);
                }
            }
            Some("message_replace") => self.replace(&text(&event["answer"]), batch),
            Some("message_end") => {
                self.remember(event, batch);
                self.has_ended = true;
            }
            // An error that came as the whole answer.
            None if event["code"].is_string() => return Err(Reported(event.clone())),
            // Others are signs of life: `ping`, steps of a workflow, thoughts of an agent, speech, and what may be new.
            _ => {}
        }
        Ok(())
    }

    fn finish(&self) -> Option<Finish> {
        let finish = self.has_ended.then_some(Finish::Stop);
        // Nothing comes behind a reply that was prepared: it is whole without an end.
        self.replaced.or(finish)
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Mapper {
    fn remember(&mut self, event: &Value, batch: &mut Batch) {
        let conversation = event["conversation_id"].as_str().unwrap_or_default();
        if !conversation.is_empty() && self.conversation.as_deref() != Some(conversation) {
            self.conversation = Some(conversation.to_owned());
            batch.push(Event::State(conversation.to_owned()));
        }
    }

    fn push(&mut self, text: String, batch: &mut Batch) {
        self.text.push_str(&text);
        batch.push(Event::Text(text));
    }

    /// A moderation of the app replaces all of the answer by a reply that was prepared. What was shown before is taken back
    /// as thoughts are; where that cannot be, the answer ends with what was shown.
    fn replace(&mut self, reply: &str, batch: &mut Batch) {
        let rest = if self.text.is_empty() {
            Some(reply.to_owned())
        } else {
            thoughts::instead(&self.text, reply)
        };
        self.replaced = Some(if rest.is_some() && !reply.trim().is_empty() {
            Finish::Refusal
        } else {
            Finish::ContentFilter
        });
        self.push(rest.unwrap_or_default(), batch);
    }
}

#[cfg(test)]
mod tests;
