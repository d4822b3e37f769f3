//! Server-sent events, as far as model providers use them: the `data` of each event.
//!
//! Written from the WHATWG HTML standard, section 9.2.6. The crates that do this are unmaintained or tied to
//! another HTTP client.

use anyhow::ensure;

/// Longest event, in bytes; a provider's piece of an answer is a few hundred.
const MAX_EVENT: usize = 1024 * 1024;

/// Takes bytes as they come, gives events as they are complete.
#[derive(Default)]
pub(super) struct Decoder {
    /// Bytes of the line that has not ended yet.
    line: Vec<u8>,
    /// `data` lines of the event that has not ended yet.
    data: Option<String>,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line end.
    after_cr: bool,
}

impl Decoder {
    /// The data of every event that `bytes` completes.
    ///
    /// # Errors
    /// When an event is longer than a megabyte.
    pub(super) fn push(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<String>> {
        let mut events = Vec::new();
        for &byte in bytes {
            let second_half = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            match byte {
                _ if second_half => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
            ensure!(
                held <= MAX_EVENT,
                "an event is longer than {MAX_EVENT} bytes"
            );
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.data.take();
        }
        let line = String::from_utf8_lossy(&line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        if name == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                data @ None => *data = Some(value.to_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        chunks
            .iter()
            .flat_map(|chunk| decoder.push(chunk).unwrap())
            .collect()
    }

    #[test]
    fn lines_of_every_kind() {
        for (text, expected) in [
            ("data: a\n\n", vec!["a"]),
            ("data:a\n\ndata: b\n\n", vec!["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\r", vec!["a", "b"]),
            ("data: a\ndata: b\n\n", vec!["a\nb"]),
            (
                "event: x\nid: 1\n: comment\nretry: 5\ndata:  a\n\n",
                vec![" a"],
            ),
            (": keep-alive\n\n", vec![]),
            ("data\n\n", vec![""]),
            ("data: not ended\n", vec![]),
        ] {
            assert_eq!(decode(&[text.as_bytes()]), expected, "{text:?}");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        assert!(Decoder::default().push(&vec![b'x'; MAX_EVENT + 1]).is_err());
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(cuts in prop::collection::vec(0usize..64, 0..8)) {
            let text = "data: größe\r\n\r\n: note\ndata: a\ndata: 😀\n\ndata: [DONE]\n\n".as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(decode(&chunks), decode(&[text]));
        }
    }
}
