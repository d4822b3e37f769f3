//! Bytes of an answer → events. Pure.

use std::collections::VecDeque;

use anyhow::anyhow;

use super::Mapper;
use super::sse::Decoder;
use crate::llm::{Error, ErrorClass, Event};

/// Events that arrived together. Pieces of text that follow each other become one: under load one read holds several, and
/// each event costs its way to the reader.
#[derive(Default)]
pub(in crate::llm) struct Batch(VecDeque<Event>);

impl Batch {
    pub(in crate::llm) fn push(&mut self, event: Event) {
        match (self.0.back_mut(), event) {
            (_, Event::Text(text)) if text.is_empty() => {}
            (Some(Event::Text(last)), Event::Text(text)) => last.push_str(&text),
            (_, event) => self.0.push_back(event),
        }
    }
}

/// Reads one answer.
#[derive(Default)]
pub(super) struct Reader<M> {
    decoder: Decoder,
    mapper: M,
    batch: Batch,
}

impl<M: Mapper> Reader<M> {
    /// The next event of what was pushed.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.batch.0.pop_front()
    }

    /// Takes more bytes. What is wrong with them becomes the last event.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
        if let Err(error) = self.decode() {
            self.batch.push(Event::Failed(error));
        }
    }

    fn decode(&mut self) -> Result<(), Error> {
        let malformed = |cause| Error::new(ErrorClass::Malformed, cause);
        while let Some(data) = self.decoder.next_event().map_err(malformed)? {
            self.mapper.map(data, &mut self.batch)?;
        }
        Ok(())
    }

    /// Takes the end of the bytes.
    pub(super) fn end(&mut self) {
        self.batch.push(if self.mapper.is_complete() {
            Event::Done
        } else {
            Event::Failed(Error::new(
                ErrorClass::Transport,
                anyhow!("the answer was cut"),
            ))
        });
    }
}

#[cfg(test)]
pub(in crate::llm) mod testing {
    use super::*;

    /// The events of an answer that comes in these reads, in short.
    pub(in crate::llm) fn read_bytes<M: Mapper>(reads: &[&str]) -> Vec<String> {
        let mut reader = Reader::<M>::default();
        let mut events = Vec::new();
        for bytes in reads {
            reader.push(bytes.as_bytes());
            events.extend(std::iter::from_fn(|| reader.next()));
        }
        reader.end();
        events.extend(std::iter::from_fn(|| reader.next()));
        let last = events.iter().position(Event::is_last).unwrap();
        events.truncate(last + 1);
        let short = |event| match event {
            Event::Text(text) => text,
            Event::Usage(usage) => format!("{}+{}", usage.question, usage.answer),
            Event::State(state) => format!("state {state}"),
            Event::Done => "done".to_owned(),
            Event::Failed(error) => error.to_string(),
        };
        events.into_iter().map(short).collect()
    }

    /// The same for the data of events that come one by one.
    pub(in crate::llm) fn read<M: Mapper>(data: &[&str]) -> Vec<String> {
        let reads: Vec<_> = data
            .iter()
            .map(|data| format!("data: {data}\n\n"))
            .collect();
        read_bytes::<M>(&reads.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::testing::read_bytes;
    use super::*;
    use crate::llm::http::{ErrorCodes, reported};

    /// A provider that keeps state and tells errors at the top of its events.
    #[derive(Default)]
    struct Words {
        complete: bool,
    }

    impl Mapper for Words {
        const ERROR_CODES: ErrorCodes = &[("busy", ErrorClass::Overloaded)];

        fn map(&mut self, data: &str, batch: &mut Batch) -> Result<(), Error> {
            match data.split_once(' ') {
                Some(("keep", state)) => batch.push(Event::State(state.to_owned())),
                Some(("say", text)) => batch.push(Event::Text(text.to_owned())),
                Some(("error", code)) => {
                    return Err(reported(
                        Self::ERROR_CODES,
                        &serde_json::json!({"code": code}),
                    ));
                }
                _ => self.complete = true,
            }
            Ok(())
        }

        fn is_complete(&self) -> bool {
            self.complete
        }
    }

    #[test]
    fn answers_and_how_they_are_read() {
        for (reads, expected) in [
            (
                vec![
                    "data: keep c1\n\ndata: say a\n\ndata: say b\n\n",
                    "data: say c\n\ndata: end\n\n",
                ],
                vec!["state c1", "ab", "c", "done"],
            ),
            (
                vec!["data: say a\n\ndata: say b"],
                vec!["a", "transport: the answer was cut"],
            ),
            (
                vec!["data: say a\n\ndata: error busy\n\ndata: say b\n\n"],
                vec![
                    "a",
                    "overloaded: the provider reported an error in its answer (busy)",
                ],
            ),
        ] {
            assert_eq!(read_bytes::<Words>(&reads), expected, "{reads:?}");
        }
    }
}
