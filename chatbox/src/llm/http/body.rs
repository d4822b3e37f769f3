//! The body of an answer → JSON values, however the provider frames them. Pure.
//!
//! What was asked for are server-sent events. Some servers send one JSON document instead, as if nobody had asked for a
//! stream, or one a line; and an address that is not a provider's sends a page. The first byte tells them apart.

use std::collections::VecDeque;

use anyhow::anyhow;
use serde_json::{Deserializer, Value};

use super::failed::FailedAttempt;
use super::sse::{self, Decoder};
use super::surrogates;
use crate::llm::ErrorClass;

/// Longest document: a million tokens.
const DOCUMENT_MAX: usize = 8 * 1024 * 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) enum Item {
    Value(Value),
    /// An event that is called an error.
    Error(Value),
    /// `[DONE]`.
    End,
}

pub(super) struct Body {
    framing: Framing,
    /// Items that came in one event, behind the first.
    items: VecDeque<Item>,
    has_ended: bool,
}

enum Framing {
    /// What may be a part of a byte order mark. Blank bytes, by which some servers keep a connection alive, are not held.
    Unknown(Vec<u8>),
    Events(Decoder),
    Document(Document),
    Page,
}

#[derive(Default)]
struct Document {
    bytes: Vec<u8>,
    /// Filled at the end.
    values: VecDeque<Value>,
    is_single: bool,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            framing: Framing::Unknown(Vec::new()),
            items: VecDeque::new(),
            has_ended: false,
        }
    }
}

impl Body {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        match &mut self.framing {
            Framing::Events(decoder) => decoder.push(bytes),
            Framing::Document(document) => document.bytes.extend_from_slice(bytes),
            Framing::Page => {}
            Framing::Unknown(held) => {
                held.extend_from_slice(bytes);
                if let Some(framing) = framing(held) {
                    self.framing = framing;
                } else if held.last().is_some_and(u8::is_ascii_whitespace) {
                    held.clear();
                }
            }
        }
    }

    /// Takes the end of the bytes. Events that have come stay to be read.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
        match &mut self.framing {
            Framing::Events(decoder) => decoder.end(),
            Framing::Document(document) => document.parse(),
            Framing::Unknown(_) | Framing::Page => {}
        }
    }

    /// What comes next.
    ///
    /// # Errors
    /// When it is not readable, or too long.
    pub(super) fn next(&mut self) -> Result<Option<Item>, FailedAttempt> {
        if let Some(item) = self.items.pop_front() {
            return Ok(Some(item));
        }
        match &mut self.framing {
            Framing::Unknown(_) => Ok(None),
            Framing::Events(decoder) => next_event(decoder, &mut self.items, self.has_ended),
            Framing::Document(document) => document.next(),
            Framing::Page => Err(malformed(
                "the provider answered with a page instead of an answer; check baseUrl",
            )),
        }
    }

    /// Whether the body is no stream, but read when all of it has come; nothing as long as that is not known.
    pub(super) fn is_in_one_piece(&self) -> Option<bool> {
        match self.framing {
            Framing::Unknown(_) => None,
            Framing::Document(_) => Some(true),
            Framing::Events(_) | Framing::Page => Some(false),
        }
    }

    /// Whether the whole body is one JSON value, which needs no other end than its own.
    pub(super) fn is_single_document(&self) -> bool {
        matches!(&self.framing, Framing::Document(document) if document.is_single)
    }
}

/// The framing of a body that begins so, once that is certain.
fn framing(bytes: &[u8]) -> Option<Framing> {
    let mark = BYTE_ORDER_MARK.to_string();
    if bytes.len() < mark.len() && mark.as_bytes().starts_with(bytes) {
        return None;
    }
    let text = bytes.strip_prefix(mark.as_bytes()).unwrap_or(bytes);
    match text.trim_ascii_start().first() {
        None => None,
        Some(b'{' | b'[') => Some(Framing::Document(Document {
            bytes: text.to_owned(),
            ..Document::default()
        })),
        Some(b'<') => Some(Framing::Page),
        _ => {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            Some(Framing::Events(decoder))
        }
    }
}

fn next_event(
    decoder: &mut Decoder,
    items: &mut VecDeque<Item>,
    has_ended: bool,
) -> Result<Option<Item>, FailedAttempt> {
    loop {
        let Some(sse::Event { is_error, data }) = decoder.next_event() else {
            return Ok(None);
        };
        let data = data.trim_start_matches(BYTE_ORDER_MARK).trim();
        let error = match item(data, is_error) {
            Ok(item) => return Ok(Some(item)),
            Err(error) => error,
        };
        // Not one event, but one a line: their blank lines were left out.
        items.extend(
            data.lines()
                .filter_map(|line| item(line.trim(), is_error).ok()),
        );
        if let Some(item) = items.pop_front() {
            return Ok(Some(item));
        }
        if is_error {
            return Ok(Some(Item::Error(data.into())));
        }
        // What was cut in the middle of an event is left, and so is a word that keeps the connection alive.
        if !has_ended && data.starts_with('{') {
            return Err(unreadable(&error));
        }
    }
}

fn item(data: &str, is_error: bool) -> serde_json::Result<Item> {
    if data.trim_matches('"') == "[DONE]" {
        return Ok(Item::End);
    }
    let value = parse(data)?;
    Ok(if is_error {
        Item::Error(value)
    } else {
        Item::Value(value)
    })
}

/// Reads JSON, and what some servers write that is none: half a character, and numbers that are none.
fn parse(data: &str) -> serde_json::Result<Value> {
    serde_json::from_str(data).or_else(|error| {
        let carried = surrogates::carried(data);
        let mended = without_odd_numbers(carried.as_deref().unwrap_or(data)).or(carried);
        serde_json::from_str(&mended.ok_or(error)?)
    })
}

/// The same with `null` for numbers that JSON does not have, as Python writes them, and for those that are too large;
/// nothing if there is none.
fn without_odd_numbers(data: &str) -> Option<String> {
    let (mut mended, mut is_mended, mut is_text) =
        (String::with_capacity(data.len()), false, false);
    let mut rest = data;
    while let Some(letter) = rest.chars().next() {
        let is_number = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        let length = match letter {
            '"' => {
                is_text = !is_text;
                1
            }
            '\\' if is_text => rest.chars().take(2).map(char::len_utf8).sum(),
            _ if !is_text && is_number(letter) => {
                rest.find(|letter| !is_number(letter)).unwrap_or(rest.len())
            }
            _ => letter.len_utf8(),
        };
        let word = &rest[..length];
        // `nan`, `inf` and `infinity`, with a sign and in any case, are numbers to this parser too.
        if !is_text && word.parse().is_ok_and(|number: f64| !number.is_finite()) {
            mended.push_str("null");
            is_mended = true;
        } else {
            mended.push_str(word);
        }
        rest = &rest[length..];
    }
    is_mended.then_some(mended)
}

impl Document {
    fn next(&mut self) -> Result<Option<Item>, FailedAttempt> {
        if self.bytes.len() > DOCUMENT_MAX {
            return Err(malformed(
                "the provider's answer is too long to be one document",
            ));
        }
        Ok(self.values.pop_front().map(Item::Value))
    }

    /// Takes the values that are whole. What is behind them, or is not JSON, is left.
    fn parse(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        if let Ok(value) = parse(&text) {
            self.values.push_back(value);
            self.is_single = true;
            return;
        }
        let values = Deserializer::from_str(&text).into_iter::<Value>();
        self.values.extend(values.map_while(Result::ok));
    }
}

fn malformed(words: &'static str) -> FailedAttempt {
    FailedAttempt::new(ErrorClass::Malformed, anyhow!(words))
}

/// The error of the parser repeats what it read, so only its kind and place are told.
fn unreadable(error: &serde_json::Error) -> FailedAttempt {
    let cause = anyhow!(
        "the provider sent an event that is not readable ({:?} error at column {})",
        error.classify(),
        error.column()
    );
    FailedAttempt::new(ErrorClass::Malformed, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of a body that comes in these pieces, and whether it is one document.
    fn read(pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let mut body = Body::default();
        let mut items = Vec::new();
        let mut take = |body: &mut Body| {
            loop {
                match body.next() {
                    Ok(Some(Item::Value(value))) => items.push(value.to_string()),
                    Ok(Some(Item::Error(value))) => items.push(format!("error {value}")),
                    Ok(Some(Item::End)) => items.push("end".to_owned()),
                    Ok(None) => return,
                    Err(failed) => return items.push(failed.error.to_string()),
                }
            }
        };
        for piece in pieces {
            body.push(piece);
            take(&mut body);
        }
        body.end();
        take(&mut body);
        (items, body.is_single_document())
    }

    #[test]
    fn each_framing_is_known_by_its_first_byte() {
        let page =
            "malformed: the provider answered with a page instead of an answer; check baseUrl";
        for (text, expected, is_document) in [
            ("data: {}\n\ndata: [DONE]\n\n", vec!["{}", "end"], false),
            ("\u{feff}data: {}\n\n", vec!["{}"], false),
            ("\n\n: hello\n\ndata: {}\n\n", vec!["{}"], false),
            ("event: error\ndata: {}\n\n", vec!["error {}"], false),
            ("event: error\ndata: no\n\n", vec!["error \"no\""], false),
            ("data: {\"a\":1}", vec!["{\"a\":1}"], false),
            ("data: {\"a\":", vec![], false),
            (
                "data: \u{feff}{}\n\ndata: \"[DONE]\"\n\n",
                vec!["{}", "end"],
                false,
            ),
            (
                "data: [PING]\n\ndata:\n\ndata: {PING\n\n",
                vec![
                    "malformed: the provider sent an event that is not readable (Syntax error at column 2)",
                ],
                false,
            ),
            // Without blank lines.
            (
                "data: {\"a\":1}\ndata: {\"a\":2}\ndata: [DONE]\n",
                vec!["{\"a\":1}", "{\"a\":2}", "end"],
                false,
            ),
            (
                "event: x\ndata: {}\nevent: error\ndata: {}\nid: 1\ndata: {}",
                vec!["{}", "error {}", "{}"],
                false,
            ),
            (
                "data: ping\ndata: {}\ndata: {}\n\ndata: [DONE]",
                vec!["{}", "{}", "end"],
                false,
            ),
            (
                "data: [PING]\n\ndata: ping\n\ndata: {}\n\n",
                vec!["{}"],
                false,
            ),
            ("{\n \"a\": 1\n}\n", vec!["{\"a\":1}"], true),
            ("\u{feff} {}", vec!["{}"], true),
            (
                "{\"a\":1}\n{\"a\":2}\n{\"a\":",
                vec!["{\"a\":1}", "{\"a\":2}"],
                false,
            ),
            ("[{}]", vec!["[{}]"], true),
            ("{\"a\":", vec![], false),
            ("<!doctype html>", vec![page], false),
            ("\n<html>", vec![page], false),
            ("upstream error", vec![], false),
            ("", vec![], false),
        ] {
            let at_once = read(&[text.as_bytes()]);
            assert_eq!(
                at_once.0.first(),
                expected.first().map(|&item| item.to_owned()).as_ref(),
                "{text:?}"
            );
            if !expected.contains(&page) {
                assert_eq!(
                    at_once,
                    (
                        expected.iter().map(|&item| item.to_owned()).collect(),
                        is_document
                    ),
                    "{text:?}"
                );
                let each: Vec<_> = text.as_bytes().chunks(1).collect();
                assert_eq!(read(&each), at_once, "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_json_costs_no_event() {
        for (data, expected) in [
            (
                r#"{"a":NaN,"b":[Infinity,-Infinity,1]}"#,
                r#"{"a":null,"b":[null,null,1]}"#,
            ),
            (
                r#"{"a":1e999,"b":"NaN \" NaN"}"#,
                r#"{"a":null,"b":"NaN \" NaN"}"#,
            ),
            (
                r#"{"a":NaN,"b":"\ud83d"}"#,
                "{\"a\":null,\"b\":\"\u{10f83d}\"}",
            ),
        ] {
            assert_eq!(parse(data).unwrap().to_string(), expected, "{data}");
        }
        for data in [
            "{",
            r#"{"a":"\"#,
            r#"{"a":"\ud8"#,
            r#"{"a":"\ä"}"#,
            r#"{"a":NaNa}"#,
        ] {
            parse(data).unwrap_err();
        }
    }

    #[test]
    fn blank_bytes_keep_a_connection_alive_and_tell_nothing() {
        let mut body = Body::default();
        for _ in 0..10_000 {
            body.push(b" \n");
            assert!(body.next().is_ok_and(|item| item.is_none()));
        }
        assert!(matches!(&body.framing, Framing::Unknown(held) if held.is_empty()));
        body.push(b"{}");
        body.end();
        assert!(body.is_single_document());
    }

    #[test]
    fn a_document_without_an_end_is_rejected() {
        let mut body = Body::default();
        body.push(b"[");
        body.push(&vec![b' '; DOCUMENT_MAX]);
        assert!(body.next().is_err());
    }
}
