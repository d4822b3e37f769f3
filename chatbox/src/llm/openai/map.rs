//! Their events → ours. Pure.

use anyhow::anyhow;

use super::errors;
use super::wire::{Chunk, FinishReason};
use crate::llm::http::{self, Batch, ErrorCodes};
use crate::llm::{Error, ErrorClass, Event, Usage};

#[derive(Default)]
pub(super) struct Mapper {
    /// It said why it stopped; `[DONE]` may still follow, or the end.
    is_finished: bool,
}

impl http::Mapper for Mapper {
    const ERROR_CODES: ErrorCodes = errors::CODES;

    fn map(&mut self, data: &str, batch: &mut Batch) -> Result<(), Error> {
        if data.trim() == "[DONE]" {
            batch.push(Event::Done);
            return Ok(());
        }
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| unreadable(&error))?;
        if let Some(error) = chunk.error {
            return Err(http::reported(Self::ERROR_CODES, &error));
        }
        let choice = chunk.choices.into_iter().next().unwrap_or_default();
        if let Some(text) = choice.delta.content {
            batch.push(Event::Text(text));
        }
        if let Some(usage) = chunk.usage {
            batch.push(Event::Usage(Usage {
                question: usage.prompt_tokens,
                answer: usage.completion_tokens,
            }));
        }
        match choice.finish_reason {
            Some(FinishReason::ContentFilter) => Err(Error::new(
                ErrorClass::ContentRefused,
                anyhow!("the provider's content filter ended the answer"),
            )),
            reason => {
                self.is_finished |= reason.is_some();
                Ok(())
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.is_finished
    }
}

/// The error of the parser repeats what it read, so only its kind and place are told.
fn unreadable(error: &serde_json::Error) -> Error {
    let cause = anyhow!(
        "the provider sent an event that is not readable ({:?} error at column {})",
        error.classify(),
        error.column()
    );
    Error::new(ErrorClass::Malformed, cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::http::testing::read;

    const TEXT: &str =
        r#"{"choices":[{"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}"#;
    const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

    fn assert_streams<const N: usize>(streams: [(Vec<&str>, Vec<&str>); N]) {
        for (data, expected) in streams {
            assert_eq!(read::<Mapper>(&data), expected, "{data:?}");
        }
    }

    #[test]
    fn answers() {
        let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
        assert_streams([
            (vec![TEXT, STOP, usage, "[DONE]"], vec!["Hi", "3+1", "done"]),
            (vec![TEXT, STOP], vec!["Hi", "done"]),
            (vec![TEXT, "[DONE]"], vec!["Hi", "done"]),
            (
                vec![r#"{"choices":null,"usage":null}"#, "[DONE]"],
                vec!["done"],
            ),
            (
                vec![r#"{"choices":[{"delta":{"content":""}}]}"#, "[DONE]"],
                vec!["done"],
            ),
            (
                vec![r#"{"choices":[{"delta":{"content":"a\n\"😀"},"finish_reason":"length"}]}"#],
                vec!["a\n\"😀", "done"],
            ),
        ]);
    }

    #[test]
    fn answers_that_fail() {
        let filtered = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
        assert_streams([
            (vec![TEXT], vec!["Hi", "transport: the answer was cut"]),
            (vec![], vec!["transport: the answer was cut"]),
            (
                vec![r#"{"choices":"sk-secret"}"#],
                vec![
                    "malformed: the provider sent an event that is not readable (Data error at column 22)",
                ],
            ),
            (
                vec!["{"],
                vec![
                    "malformed: the provider sent an event that is not readable (Eof error at column 1)",
                ],
            ),
            (
                vec![
                    TEXT,
                    r#"{"error":{"message":"no","type":"server_error","code":1}}"#,
                ],
                vec![
                    "Hi",
                    "overloaded: the provider reported an error in its answer (server_error)",
                ],
            ),
            (
                vec![TEXT, filtered, "[DONE]"],
                vec![
                    "Hi",
                    "content_refused: the provider's content filter ended the answer",
                ],
            ),
        ]);
    }
}
