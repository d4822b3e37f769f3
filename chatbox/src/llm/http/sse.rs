//! Server-sent events, as far as model providers use them: the `data` of each event, and whether it is called `error`.
//!
//! Written from the WHATWG HTML standard, section 9.2.6. The crates that decode a stream of bytes (`eventsource-stream`,
//! `sse-stream`, `sseer`) hold an event of any length in memory; here an endless one must end the answer. The first is
//! unmaintained besides, and the others own each field of each event, of which only `data` is needed.

use serde::de::IgnoredAny;

/// Longest event that is held, in bytes. A piece of an answer has a few hundred; a picture beside it may have millions.
const MAX_EVENT: usize = 8 * 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    /// Its name is `error`.
    pub(super) is_error: bool,
    pub(super) data: &'a str,
}

/// Takes bytes as they come, gives events as they are complete.
#[derive(Default)]
pub(super) struct Decoder {
    lines: Lines,
    /// `data` lines of the event that has not ended yet, or of the one that was given out last.
    data: String,
    /// How many there are.
    data_lines: usize,
    is_error: bool,
    /// A name came behind data: it belongs to what the next line shows to be its event.
    is_next_error: Option<bool>,
    is_given_out: bool,
    /// The first `data` line of the event behind the one that was given out last.
    next_data: Option<String>,
    /// The event is too long: the rest of it is not held, and it is not given out.
    is_skipped: bool,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// Takes the end of the bytes: what came of the last event is complete, with or without its blank line.
    pub(super) fn end(&mut self) {
        self.push(b"\n\n");
    }

    /// The next event that is complete.
    pub(super) fn next_event(&mut self) -> Option<Event<'_>> {
        if std::mem::take(&mut self.is_given_out) {
            self.begin();
        }
        while let Some(line) = self.lines.next() {
            if self.is_skipped {
                self.is_skipped = !line.is_empty();
            } else if let Some(value) = value(line, b"data") {
                let value = String::from_utf8_lossy(value);
                if self.data_lines == 1 && is_whole(&self.data) {
                    self.next_data = Some(value.into_owned());
                    return Some(self.give_out());
                }
                if self.data_lines > 0 {
                    self.data.push('\n');
                }
                self.data_lines += 1;
                self.data.push_str(&value);
            } else if let Some(name) = value(line, b"event") {
                let is_error = name == b"error";
                if self.data_lines > 0 {
                    self.is_next_error = Some(is_error);
                } else {
                    self.is_error = is_error;
                }
            } else if line.is_empty() {
                if let Some(is_error) = self.is_next_error.take() {
                    self.is_error = is_error;
                }
                if self.data_lines > 0 || self.is_error {
                    return Some(self.give_out());
                }
            }
        }
        if self.lines.held() + self.data.len() > MAX_EVENT {
            self.is_skipped = true;
            self.lines.discard();
            self.begin();
        }
        None
    }

    fn give_out(&mut self) -> Event<'_> {
        self.is_given_out = true;
        Event {
            is_error: self.is_error,
            data: &self.data,
        }
    }

    /// Forgets the event that was given out.
    fn begin(&mut self) {
        self.data.clear();
        self.is_error = false;
        self.data_lines = 0;
        if let Some(data) = self.next_data.take() {
            self.is_error = self.is_next_error.take().unwrap_or_default();
            (self.data, self.data_lines) = (data, 1);
        }
    }
}

/// Whether a line is an event by itself, because no line behind it can be a part of the same JSON: some servers leave
/// the blank lines out. Only the first line of an event is asked, so that its length costs once.
fn is_whole(line: &str) -> bool {
    let line = line.trim();
    line == "[DONE]"
        || (line.ends_with(['}', ']']) && serde_json::from_str::<IgnoredAny>(line).is_ok())
}

/// The value of a line, if this is its field.
fn value<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(field)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// Cuts bytes into lines.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// How far that line was searched for its end: what comes in many reads is searched once.
    searched: usize,
    /// A line was seen: what looks like a byte order mark is not one any more.
    has_begun: bool,
    /// The last line ended with a carriage return: a line feed right after it belongs to the same end.
    after_cr: bool,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line that is complete, without its end.
    fn next(&mut self) -> Option<&[u8]> {
        if self.after_cr && self.start < self.bytes.len() {
            self.after_cr = false;
            self.skip(usize::from(self.bytes[self.start] == b'\n'));
        }
        let Some(found) = memchr::memchr2(b'\n', b'\r', &self.bytes[self.searched..]) else {
            self.searched = self.bytes.len();
            return None;
        };
        let (start, end) = (self.start, self.searched + found);
        self.after_cr = self.bytes[end] == b'\r';
        self.skip(end + 1 - start);
        let line = &self.bytes[start..end];
        if std::mem::replace(&mut self.has_begun, true) {
            return Some(line);
        }
        Some(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line))
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.searched = self.start;
    }

    /// Forgets the line that is not complete, and what is to come of it but a mark that it was there.
    fn discard(&mut self) {
        self.bytes.clear();
        self.bytes.push(b':');
        (self.start, self.searched) = (0, 1);
    }

    /// Bytes of the line that is not complete.
    fn held(&self) -> usize {
        self.bytes.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(event) = decoder.next_event() {
                events.push(event.data.to_owned());
            }
        }
        events
    }

    #[test]
    fn an_event_is_an_error_by_its_name() {
        let mut decoder = Decoder::default();
        decoder.push(b"event: error\ndata: a\n\ndata: b\n\nevent:error\n\nevent: x\ndata: c\n\n");
        for (is_error, data) in [(true, "a"), (false, "b"), (true, ""), (false, "c")] {
            assert_eq!(decoder.next_event(), Some(Event { is_error, data }));
        }
        assert_eq!(decoder.next_event(), None);
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        for (text, expected) in [
            ("data: a", Some("a")),
            ("data: a\n", Some("a")),
            ("data: a\r", Some("a")),
            ("data: a\r\n", Some("a")),
            ("data: a\n\n", Some("a")),
            ("data: a\ndata", Some("a\n")),
            (": comment", None),
            ("", None),
        ] {
            let mut decoder = Decoder::default();
            decoder.push(text.as_bytes());
            decoder.end();
            let data = decoder.next_event().map(|event| event.data.to_owned());
            assert_eq!(data.as_deref(), expected, "{text:?}");
            if data.is_some() {
                assert_eq!(decoder.next_event(), None, "{text:?}");
            }
        }
    }

    /// The same, said as simply as the standard says it.
    fn naive(text: &str) -> Vec<String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let (mut events, mut data) = (Vec::new(), Vec::new());
        let mut lines: Vec<_> = text.split('\n').collect();
        lines.pop();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if line.is_empty() && !data.is_empty() {
                events.push(std::mem::take(&mut data).join("\n"));
            } else if name == "data" {
                if data.len() == 1 && is_whole(data[0]) {
                    events.push(data.remove(0).to_owned());
                }
                data.push(value.strip_prefix(' ').unwrap_or(value));
            }
        }
        events
    }

    #[test]
    fn lines_of_every_kind() {
        for (text, expected) in [
            ("data: a\n\n", vec!["a"]),
            ("data:a\n\ndata: b\n\n", vec!["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\r", vec!["a", "b"]),
            ("data: a\ndata: b\n\n", vec!["a\nb"]),
            ("data: {}\ndata: [DONE]\n\n", vec!["{}", "[DONE]"]),
            ("data: {\ndata: }\n\n", vec!["{\n}"]),
            (
                "event: x\nid: 1\n: comment\nretry: 5\ndata:  a\n\n",
                vec![" a"],
            ),
            (": keep-alive\n\n", vec![]),
            ("data\n\n", vec![""]),
            ("database: a\n\n", vec![]),
            ("data: not ended\n", vec![]),
            ("\u{feff}data: a\n\n\u{feff}data: b\n\n", vec!["a"]),
        ] {
            assert_eq!(decode(&[text.as_bytes()]), expected, "{text:?}");
            assert_eq!(naive(text), expected, "{text:?}");
        }
        assert_eq!(decode(&[b"data: \xff\n\n"]), ["\u{fffd}"]);
    }

    #[test]
    fn an_endless_event_is_neither_held_nor_given_out() {
        let picture = "x".repeat(2_000_000);
        let large = format!("data: {picture}\n\n");
        assert_eq!(
            decode(&[large.as_bytes()]),
            [picture],
            "a picture is not endless"
        );
        for piece in ["x".repeat(100_000), "data: 0123456789\n".repeat(10_000)] {
            let mut decoder = Decoder::default();
            decoder.push(b"data: ");
            for _ in 0..100 {
                decoder.push(piece.as_bytes());
                assert_eq!(decoder.next_event(), None);
                assert!(decoder.lines.held() + decoder.data.len() <= MAX_EVENT);
            }
            decoder.push(b"\n\ndata: a\n\n");
            let event = decoder.next_event().map(|event| event.data.to_owned());
            assert_eq!(event.as_deref(), Some("a"));
        }
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "data", "data: ", ":", " ", "\n", "\r", "\r\n", "\n\n", "größe", "😀", "event: x", "\u{feff}", "{}",
            ]), 0..40),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = pieces.concat();
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(decode(&chunks), naive(&text));
        }
    }
}
