//! Their events → ours: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>. Pure.

use serde_json::{Value, json};

use super::errors;
use crate::llm::http::values::{count, text};
use crate::llm::http::{self, Batch, ErrorCodes, Reported};
use crate::llm::{Event, Finish, Usage};

/// Reads one answer: the events of a stream, or one message.
#[derive(Default)]
pub(super) struct Mapper {
    finish: Option<Finish>,
    usage: Usage,
    has_ended: bool,
}

impl http::Mapper for Mapper {
    const ERROR_CODES: ErrorCodes = errors::CODES;

    fn map(&mut self, event: &Value, batch: &mut Batch) -> Result<(), Reported> {
        match event["type"].as_str() {
            Some("message_start") => return self.message(&event["message"], batch),
            // One document, from a server that does not stream.
            Some("message") => return self.message(event, batch),
            Some("content_block_start") => push_block(&event["content_block"], batch),
            Some("content_block_delta") => push_delta(&event["delta"], batch),
            Some("message_delta") => {
                self.count(&event["usage"], batch);
                return self.stop(&event["delta"]);
            }
            Some("message_stop") => self.has_ended = true,
            Some("error") => return Err(Reported(event.clone())),
            // An error of a gateway in front.
            None if !event["error"].is_null() => return Err(Reported(event.clone())),
            // Others are signs of life: `ping`, `content_block_stop`, and what may be new.
            _ => {}
        }
        Ok(())
    }

    fn finish(&self) -> Option<Finish> {
        self.finish
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl Mapper {
    fn message(&mut self, message: &Value, batch: &mut Batch) -> Result<(), Reported> {
        for block in message["content"].as_array().into_iter().flatten() {
            push_block(block, batch);
        }
        self.count(&message["usage"], batch);
        self.stop(message)
    }

    /// The reason that stands in `place`, if one does.
    fn stop(&mut self, place: &Value) -> Result<(), Reported> {
        let finish = match place["stop_reason"].as_str() {
            None | Some("") => return Ok(()),
            Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
            // A classifier broke the answer off: it says nothing of it, and what it stopped must not be told again.
            Some("refusal") => Finish::ContentFilter,
            // As those report it who translate another API.
            Some("error") => return Err(Reported(json!({"type": "api_error"}))),
            // `end_turn`, `stop_sequence`, and those that only come with tools.
            Some(_) => Finish::Stop,
        };
        self.finish = Some(finish);
        Ok(())
    }

    /// The beginning tells what the question cost, the end what the answer did; each may tell both.
    fn count(&mut self, usage: &Value, batch: &mut Batch) {
        let (question, answer) = (question_tokens(usage), count(&usage["output_tokens"]));
        if question.is_none() && answer.is_none() {
            return;
        }
        self.usage = Usage {
            question: question.unwrap_or(self.usage.question),
            answer: answer.unwrap_or(self.usage.answer),
        };
        batch.push(Event::Usage(self.usage));
    }
}

/// Tokens that came from the cache or went into it are counted beside the others. None where there is no number, or only
/// the zero that some write at the end.
fn question_tokens(usage: &Value) -> Option<u32> {
    let parts = [
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    ];
    let counts = parts.into_iter().filter_map(|part| count(&usage[part]));
    Some(counts.fold(0, u32::saturating_add)).filter(|sum| *sum > 0)
}

/// A block of an answer; those that are thoughts or tools are not shown.
fn push_block(block: &Value, batch: &mut Batch) {
    if block["type"] == "text" {
        batch.push(Event::Text(text(&block["text"])));
    }
}

/// A piece of a block.
fn push_delta(delta: &Value, batch: &mut Batch) {
    if delta["type"] == "text_delta" {
        batch.push(Event::Text(text(&delta["text"])));
    }
}

#[cfg(test)]
mod tests;
