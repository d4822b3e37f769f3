//! Characters that were cut between two UTF-16 units. Pure.
//!
//! Some servers cut text so, and write half a character as an escape. JSON has no such text, so that each half is carried
//! by a private character until the other half has come, in the next event as a rule.

/// The first of 2,048 private characters, one for each half.
const CARRIER: u32 = 0x10_F800;
const HALVES: std::ops::RangeInclusive<u16> = 0xD800..=0xDFFF;

/// The same JSON with carriers for escapes that are half a character; nothing if there is none.
pub(super) fn carried(data: &str) -> Option<String> {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut mended, mut rest, mut is_mended) = (String::with_capacity(data.len()), data, false);
    while let Some(place) = rest.find('\\') {
        mended.push_str(&rest[..place]);
        rest = &rest[place..];
        // An escape is two bytes long, `\uXXXX` six, a pair of them twelve.
        let taken = match unit(rest) {
            Some(0xD800..=0xDBFF)
                if matches!(rest.get(6..).and_then(unit), Some(0xDC00..=0xDFFF)) =>
            {
                12
            }
            Some(half) if HALVES.contains(&half) => {
                mended.push(carrier(half));
                is_mended = true;
                rest = &rest[6..];
                continue;
            }
            Some(_) => 6,
            None => rest
                .char_indices()
                .nth(2)
                .map_or(rest.len(), |(place, _)| place),
        };
        mended.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    mended.push_str(rest);
    is_mended.then_some(mended)
}

/// Puts the halves of characters together that pieces of one text carry.
#[derive(Default)]
pub(super) struct Joiner {
    /// The first half of a character at the end of the piece before.
    first: Option<u16>,
}

impl Joiner {
    /// The piece with whole characters; half a character whose other half is missing becomes `U+FFFD`.
    pub(super) fn push(&mut self, piece: String) -> String {
        let has_half = piece.chars().any(|letter| half(letter).is_some());
        if piece.is_empty() || (self.first.is_none() && !has_half) {
            return piece;
        }
        let mut text = String::with_capacity(piece.len() + 4);
        for letter in piece.chars() {
            let second = half(letter);
            if let (Some(first), Some(second)) = (self.first, second)
                && let Some(Ok(whole)) = char::decode_utf16([first, second]).next()
            {
                self.first = None;
                text.push(whole);
                continue;
            }
            text.push_str(&self.finish());
            match second {
                Some(0xD800..=0xDBFF) => self.first = second,
                Some(_) => text.push(char::REPLACEMENT_CHARACTER),
                None => text.push(letter),
            }
        }
        text
    }

    /// No more text comes.
    pub(super) fn finish(&mut self) -> String {
        let lost = self.first.take().map(|_| char::REPLACEMENT_CHARACTER);
        lost.into_iter().collect()
    }
}

fn carrier(half: u16) -> char {
    let code = CARRIER + u32::from(half - HALVES.start());
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn half(letter: char) -> Option<u16> {
    let place = u32::from(letter).checked_sub(CARRIER)?;
    u16::try_from(place)
        .ok()
        .map(|place| HALVES.start() + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[&str]) -> Vec<String> {
        let mut joiner = Joiner::default();
        let mut all: Vec<_> = pieces
            .iter()
            .map(|piece| {
                let piece = carried(piece).unwrap_or_else(|| (*piece).to_owned());
                joiner.push(serde_json::from_str(&piece).unwrap())
            })
            .collect();
        all.push(joiner.finish());
        all
    }

    #[test]
    fn half_a_character_waits_for_the_other_half() {
        for (pieces, expected) in [
            (vec![r#""a\ud83d""#, r#""\ude00b""#], vec!["a", "😀b", ""]),
            (
                vec![r#""\ud83d""#, r#""""#, r#""\ude00\ud83d""#, r#""\ude00""#],
                vec!["", "", "😀", "😀", ""],
            ),
            (vec![r#""a\ud83d""#], vec!["a", "\u{fffd}"]),
            (vec![r#""a\ud83d""#, r#""b""#], vec!["a", "\u{fffd}b", ""]),
            (
                vec![r#""\ude00\ud83d\ud83d""#],
                vec!["\u{fffd}\u{fffd}", "\u{fffd}"],
            ),
            (
                vec![r#""\ud83d\ude00\ud83d\\ud83d""#],
                vec!["😀\u{fffd}\\ud83d", ""],
            ),
            (vec![r#""ä\"\u00e4\udfff""#], vec!["ä\"ä\u{fffd}", ""]),
            (vec![r#""plain""#], vec!["plain", ""]),
        ] {
            assert_eq!(joined(&pieces), expected, "{pieces:?}");
        }
        for data in ["{", r#"{"a":"\"#, r#"{"a":"\ud8"#, r#"{"a":"\ä"}"#] {
            assert_eq!(carried(data), None, "{data}");
        }
    }
}
