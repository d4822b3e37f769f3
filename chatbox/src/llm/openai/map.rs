//! Their events → ours. Pure.

use anyhow::anyhow;

use super::wire::{self, Chunk};
use crate::llm::{Event, Failed, Usage};

/// Remembers whether the provider said that it has finished: a stream that just ends was cut.
#[derive(Default)]
pub(super) struct Mapper {
    finished: bool,
}

impl Mapper {
    /// What the data of one event means.
    pub(super) fn map(&mut self, data: &str) -> Vec<Event> {
        if data.trim() == "[DONE]" {
            return vec![Event::Done];
        }
        let chunk: Chunk = match serde_json::from_str(data) {
            Ok(chunk) => chunk,
            Err(error) => {
                return vec![failed(
                    anyhow!(error).context("the provider sent an event that is not readable"),
                )];
            }
        };
        if let Some(error) = chunk.error {
            return vec![failed(anyhow!(
                "the provider broke off{}",
                wire::error_kind(&error)
            ))];
        }
        let mut events = Vec::new();
        if let Some(choice) = chunk.choices.into_iter().next() {
            events.extend(
                choice
                    .delta
                    .content
                    .filter(|text| !text.is_empty())
                    .map(Event::Text),
            );
            self.finished |= choice.finish_reason.is_some();
        }
        events.extend(chunk.usage.map(|usage| {
            Event::Usage(Usage {
                question: usage.prompt_tokens,
                answer: usage.completion_tokens,
            })
        }));
        events
    }

    /// What the end of the stream means when `[DONE]` did not come before.
    pub(super) fn end(&self) -> Event {
        if self.finished {
            return Event::Done;
        }
        failed(anyhow!("the provider's stream was cut"))
    }
}

fn failed(cause: anyhow::Error) -> Event {
    Event::Failed(Failed::unavailable(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a whole stream, in short.
    fn story(data: &[&str]) -> Vec<String> {
        let mut mapper = Mapper::default();
        let mut events: Vec<_> = data.iter().flat_map(|data| mapper.map(data)).collect();
        events.push(mapper.end());
        let last = events
            .iter()
            .position(|event| matches!(event, Event::Done | Event::Failed(_)));
        events
            .into_iter()
            .take(last.map_or(0, |last| last + 1))
            .map(|event| match event {
                Event::Text(text) => text,
                Event::Usage(usage) => format!("{}+{}", usage.question, usage.answer),
                Event::Done => "done".to_owned(),
                Event::Failed(failed) => failed.cause.to_string(),
            })
            .collect()
    }

    #[test]
    fn streams_and_what_they_mean() {
        let text =
            r#"{"choices":[{"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}"#;
        let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
        for (data, expected) in [
            (vec![text, stop, usage, "[DONE]"], vec!["Hi", "3+1", "done"]),
            (vec![text, stop], vec!["Hi", "done"]),
            (vec![text], vec!["Hi", "the provider's stream was cut"]),
            (vec![], vec!["the provider's stream was cut"]),
            (
                vec![r#"{"choices":null,"usage":null}"#, "[DONE]"],
                vec!["done"],
            ),
            (
                vec!["{"],
                vec!["the provider sent an event that is not readable"],
            ),
            (
                vec![
                    text,
                    r#"{"error":{"message":"no","type":"server_error","code":1}}"#,
                ],
                vec!["Hi", "the provider broke off (server_error)"],
            ),
            (
                vec![r#"{"choices":[{"delta":{"content":""}}]}"#, "[DONE]"],
                vec!["done"],
            ),
        ] {
            assert_eq!(story(&data), expected, "{data:?}");
        }
    }
}
