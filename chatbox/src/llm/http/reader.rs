//! Bytes of an answer → events. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::Value;

use super::body::{Body, Item};
use super::failed::FailedAttempt;
use super::surrogates::Joiner;
use super::{Mapper, classify};
use crate::chat::thoughts;
use crate::llm::thinking::Filter;
use crate::llm::{ErrorClass, Event, Finish};

/// An answer whose model has said why it stopped may still be followed by what it cost, and is whole without it.
const LINGER: Duration = Duration::from_secs(3);
/// Whoever says so beside text may say it in every piece, and have more.
const LINGER_AFTER_TEXT: Duration = Duration::from_secs(15);

/// What is read next.
pub(super) enum Read {
    Event(Event),
    /// Something came that is not for the reader of the answer.
    Activity,
    Failed(FailedAttempt),
}

/// An error that stands in an answer, as the provider told it.
#[derive(Debug)]
pub(in crate::llm) struct Reported(pub(in crate::llm) Value);

/// Events that arrived together. Pieces of text that follow each other become one: under load one read holds several, and
/// each event costs its way to the reader. What the model thinks aloud before its answer is left out.
#[derive(Default)]
pub(in crate::llm) struct Batch {
    events: VecDeque<Event>,
    joiner: Joiner,
    thinking: Filter,
    /// Bytes of text that came so far, and of the answer in it.
    received: usize,
    answered: usize,
    is_refusal: bool,
}

impl Batch {
    pub(in crate::llm) fn push(&mut self, event: Event) {
        match event {
            Event::Text(text) => {
                self.received += text.len();
                let text = self.joiner.push(text);
                let text = self.thinking.push(text);
                self.push_answer(text);
            }
            event => self.events.push_back(event),
        }
    }

    /// Text with which the model declines to answer.
    pub(in crate::llm) fn push_refusal(&mut self, text: String) {
        self.is_refusal |= !text.is_empty();
        self.push(Event::Text(text));
    }

    fn push_answer(&mut self, text: String) {
        self.answered += text.len();
        match self.events.back_mut() {
            _ if text.is_empty() => {}
            Some(Event::Text(last)) => last.push_str(&text),
            _ => self.events.push_back(Event::Text(text)),
        }
    }

    /// All of the text is here, and nobody has seen it: thoughts that nothing began can be told by their end.
    fn cut_thoughts(&mut self) {
        for event in &mut self.events {
            if let Event::Text(text) = event {
                *text = thoughts::answer(text).to_owned();
            }
        }
    }

    /// No more text comes.
    fn finish(&mut self) {
        let half = self.joiner.finish();
        let half = self.thinking.push(half);
        self.push_answer(half);
        let held = self.thinking.finish();
        self.push_answer(held);
    }
}

/// Reads one answer.
#[derive(Default)]
pub(super) struct Reader<M> {
    body: Body,
    mapper: M,
    batch: Batch,
    /// The last that is read, behind the events of the batch.
    failed: Option<FailedAttempt>,
    has_ended: bool,
    /// The event that said why the model stopped had text too.
    finished_with_text: bool,
    /// Text came after the model was said to have stopped: this provider says so in every piece.
    finishes_always: bool,
}

impl<M: Mapper> Reader<M> {
    /// What was read of what was pushed.
    pub(super) fn next(&mut self) -> Option<Read> {
        match self.batch.events.pop_front() {
            Some(event) => Some(Read::Event(event)),
            None => self.failed.take().map(Read::Failed),
        }
    }

    /// Takes more bytes. What is wrong with them is the last that is read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.body.push(bytes);
        self.read();
    }

    /// Takes the end of the bytes; with a cause if they broke off.
    pub(super) fn end(&mut self, cause: Option<anyhow::Error>) {
        self.body.end();
        self.read();
        if self.is_in_one_piece() == Some(true) {
            self.batch.cut_thoughts();
        }
        if self.has_ended {
            return;
        }
        let is_whole = self.body.is_single_document() && self.batch.received > 0;
        let finish = self.mapper.finish();
        if let Some(finish) = finish.or(is_whole.then_some(Finish::Stop)) {
            return self.conclude(finish);
        }
        if let Some(remark) = self.mapper.remark().filter(|_| self.batch.received == 0) {
            return self.fail(classify::reported(M::ERROR_CODES, remark.clone()));
        }
        let cause = cause.unwrap_or_else(|| anyhow!("the answer was cut"));
        self.fail(FailedAttempt::new(ErrorClass::Transport, cause));
    }

    /// How long more is waited for, once the model has said why it stopped.
    pub(super) fn linger(&self) -> Option<Duration> {
        self.mapper.finish()?;
        Some(if self.finishes_always || self.finished_with_text {
            LINGER_AFTER_TEXT
        } else {
            LINGER
        })
    }

    pub(super) fn finishes_always(&self) -> bool {
        self.finishes_always
    }

    /// Whether the answer comes in one piece, and nothing can be read of it before; nothing as long as nothing has come.
    pub(super) fn is_in_one_piece(&self) -> Option<bool> {
        self.body.is_in_one_piece()
    }

    fn read(&mut self) {
        while !self.has_ended {
            match self.body.next() {
                Ok(Some(Item::Value(value))) => self.take(value),
                Ok(Some(Item::Error(value))) => {
                    self.fail(classify::reported(M::ERROR_CODES, value));
                }
                Ok(Some(Item::End)) => {
                    self.conclude(self.mapper.finish().unwrap_or(Finish::Stop));
                }
                Ok(None) => return,
                Err(failed) => self.fail(failed),
            }
        }
    }

    fn take(&mut self, value: Value) {
        if let Value::Array(values) = value {
            for value in values {
                self.take(value);
            }
            return;
        }
        if self.has_ended || !value.is_object() {
            return;
        }
        let was_finished = self.mapper.finish().is_some();
        let received = self.batch.received;
        let mapped = self.mapper.map(&value, &mut self.batch);
        let has_text = self.batch.received > received;
        self.finishes_always |= was_finished && has_text;
        self.finished_with_text |= !was_finished && has_text && self.mapper.finish().is_some();
        if let Err(Reported(error)) = mapped {
            self.fail(classify::reported(M::ERROR_CODES, error));
        } else if self.mapper.has_ended() {
            self.conclude(self.mapper.finish().unwrap_or(Finish::Stop));
        }
    }

    /// The model ended its answer. One without a word is none, unless there is a reason for it.
    fn conclude(&mut self, finish: Finish) {
        self.batch.finish();
        self.has_ended = true;
        if finish == Finish::Stop && self.batch.answered == 0 {
            let cause = anyhow!("the provider ended its answer before the first word");
            let remark = self.mapper.remark().cloned();
            self.failed = Some(remark.map_or_else(
                || FailedAttempt::new(ErrorClass::Empty, cause),
                |remark| classify::reported(M::ERROR_CODES, remark),
            ));
            return;
        }
        let finish = match finish {
            Finish::Stop if self.batch.is_refusal => Finish::Refusal,
            finish => finish,
        };
        self.batch.events.push_back(Event::Done(finish));
    }

    /// What comes after the end of an answer does no harm to it.
    fn fail(&mut self, failed: FailedAttempt) {
        if let Some(finish) = self.mapper.finish()
            && (finish != Finish::Stop || self.batch.answered > 0)
        {
            return self.conclude(finish);
        }
        self.has_ended = true;
        self.failed = Some(failed);
    }
}

#[cfg(test)]
pub(in crate::llm) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::read_bytes;
    use super::*;
    use crate::llm::http::ErrorCodes;

    /// A provider that keeps state and tells errors at the top of its events.
    #[derive(Default)]
    struct Words {
        finish: Option<Finish>,
    }

    impl Mapper for Words {
        const ERROR_CODES: ErrorCodes = &[("busy", ErrorClass::Overloaded)];

        fn map(&mut self, event: &Value, batch: &mut Batch) -> Result<(), Reported> {
            let text = |key: &str| event[key].as_str().map(ToOwned::to_owned);
            if let Some(state) = text("keep") {
                batch.push(Event::State(state));
            }
            if let Some(text) = text("say") {
                batch.push(Event::Text(text));
            }
            if event["code"].is_string() {
                return Err(Reported(event.clone()));
            }
            match event["end"].as_str() {
                Some("filter") => self.finish = Some(Finish::ContentFilter),
                Some(_) => self.finish = Some(Finish::Stop),
                None => {}
            }
            Ok(())
        }

        fn finish(&self) -> Option<Finish> {
            self.finish
        }
    }

    const BUSY: &str = "overloaded: the provider reported an error in its answer (busy)";
    const CUT: &str = "transport: the answer was cut";
    const EMPTY: &str = "empty: the provider ended its answer before the first word";

    fn assert_reads<const N: usize>(answers: [(&[&str], &[&str]); N]) {
        for (reads, expected) in answers {
            assert_eq!(read_bytes::<Words>(reads), expected, "{reads:?}");
        }
    }

    #[test]
    fn answers_and_how_they_are_read() {
        assert_reads([
            (
                &[
                    "data: {\"keep\":\"c1\"}\n\ndata: {\"say\":\"a\"}\n\ndata: {\"say\":\"b\"}\n\n",
                    "data: {\"say\":\"c\"}\n\ndata: {\"end\":\"x\"}\n\n",
                ],
                &["state c1", "ab", "c", "done"],
            ),
            (
                &[
                    "data: {\"say\":\"<think>Hm</th\"}\n\n",
                    "data: {\"say\":\"ink> a\",\"end\":\"x\"}\n\n",
                ],
                &["a", "done"],
            ),
            (
                &["data: {\"say\":\"a\"}\n\ndata: [DONE]\n\ndata: {\"say\":\"b\"}\n\n"],
                &["a", "done"],
            ),
            (&["{\"say\":\"Hm</think>a\",\"end\":\"x\"}"], &["a", "done"]),
            // One document, a list of them, one a line.
            (&["{\"say\":\"a\"}"], &["a", "done"]),
            (
                &["[{\"say\":\"a\"},{\"say\":\"b\",\"end\":\"x\"}]"],
                &["ab", "done"],
            ),
            (
                &["{\"say\":\"a\"}\n", "{\"say\":\"b\",\"end\":\"x\"}\n"],
                &["ab", "done"],
            ),
        ]);
    }

    #[test]
    fn answers_that_fail() {
        assert_reads([
            (
                &["data: {\"say\":\"a\"}\n\ndata: {\"say\":\"b\"}"],
                &["a", "b", CUT],
            ),
            (&["data: {\"say\":\"a\"}\n\ndata: {\"say\":"], &["a", CUT]),
            (&["{\"say\":\"a\"}\n{\"say\":\"b\"}\n"], &["ab", CUT]),
            (&["{\"say\":\"a"], &[CUT]),
            (
                &[
                    "data: {\"say\":\"a\"}\n\ndata: {\"code\":\"busy\"}\n\ndata: {\"say\":\"b\"}\n\n",
                ],
                &["a", BUSY],
            ),
            (&["{\"code\":\"busy\"}"], &[BUSY]),
            (&["[{\"code\":\"busy\"}]"], &[BUSY]),
            (&["event: error\ndata: {\"code\":\"busy\"}\n\n"], &[BUSY]),
            (
                &["event: error\ndata: no\n\n"],
                &["overloaded: the provider reported an error in its answer"],
            ),
        ]);
    }

    #[test]
    fn an_empty_complete_answer_does_not_exist() {
        assert_reads([
            (&["data: [DONE]\n\n"], &[EMPTY]),
            (&["data: {\"end\":\"x\"}\n\n"], &[EMPTY]),
            (&["data: {\"say\":\" \\n\"}\n\ndata: [DONE]\n\n"], &[EMPTY]),
            (
                &["data: {\"say\":\"<think>a</think>\"}\n\ndata: {\"end\":\"x\"}\n\n"],
                &[EMPTY],
            ),
            (&["{\"say\":\"\",\"end\":\"x\"}"], &[EMPTY]),
            (&["{}"], &[CUT]),
            (&[""], &[CUT]),
            (&[": hello\n\n"], &[CUT]),
            (&["data: {\"end\":\"filter\"}\n\n"], &["done ContentFilter"]),
        ]);
    }

    #[test]
    fn what_comes_after_the_end_does_no_harm() {
        let finished = "data: {\"say\":\"a\",\"end\":\"x\"}\n\n";
        assert_reads([
            (&[finished, "data: {\"code\":\"busy\"}\n\n"], &["a", "done"]),
            (&[finished, "data: {oops}\n\n"], &["a", "done"]),
            (&[finished, "event: error\ndata: x\n\n"], &["a", "done"]),
            (
                &["data: {\"end\":\"x\"}\n\n", "data: {\"code\":\"busy\"}\n\n"],
                &[BUSY],
            ),
        ]);
        let mut reader = Reader::<Words>::default();
        reader.push(finished.as_bytes());
        reader.end(Some(anyhow!("connection reset")));
        let last = std::iter::from_fn(|| reader.next()).last();
        assert!(matches!(last, Some(Read::Event(Event::Done(_)))));
    }

    #[test]
    fn an_end_in_every_piece_is_no_end() {
        let mut reader = Reader::<Words>::default();
        assert_eq!(reader.linger(), None);
        let piece = b"data: {\"say\":\"a\",\"end\":\"x\"}\n\n";
        for always in [false, true, true] {
            reader.push(piece);
            assert_eq!(reader.linger(), Some(LINGER_AFTER_TEXT));
            assert_eq!(reader.finishes_always(), always);
        }
        let mut reader = Reader::<Words>::default();
        reader.push(b"data: {\"say\":\"a\"}\n\ndata: {\"end\":\"x\"}\n\n");
        assert_eq!(reader.linger(), Some(LINGER));
    }

    #[test]
    fn a_character_that_is_cut_over_two_events_is_whole() {
        let (first, second) = (
            "data: {\"say\":\"a\\ud83d\"}\n\n",
            "data: {\"say\":\"\\ude00\"}\n\n",
        );
        let end = "data: [DONE]\n\n";
        assert_reads([
            (&[first, second, end], &["a", "😀", "done"]),
            (&[first, end], &["a", "\u{fffd}", "done"]),
        ]);
    }
}
