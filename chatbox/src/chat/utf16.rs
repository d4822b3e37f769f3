//! Offsets in UTF-16 code units, which is how a browser counts the length of a string.

/// Length of `text` in UTF-16 code units.
pub fn len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// What follows the first `units` code units of `text`. An offset inside a character counts as before it.
pub fn skip(text: &str, units: usize) -> &str {
    let mut seen = 0;
    for (index, letter) in text.char_indices() {
        if seen + letter.len_utf16() > units {
            return &text[index..];
        }
        seen += letter.len_utf16();
    }
    ""
}

/// JSON without escapes that are half a surrogate pair, as programs write it that cut text between two code units:
/// each becomes `U+FFFD`. Nothing if there is none.
pub fn without_lone_surrogates(json: &str) -> Option<String> {
    let (mut mended, mut rest, mut is_mended) = (String::with_capacity(json.len()), json, false);
    while let Some(place) = rest.find('\\') {
        mended.push_str(&rest[..place]);
        rest = &rest[place..];
        let taken = match escaped_unit(rest) {
            Some(0xD800..=0xDBFF)
                if matches!(rest.get(6..).and_then(escaped_unit), Some(0xDC00..=0xDFFF)) =>
            {
                12
            }
            Some(0xD800..=0xDFFF) => {
                is_mended = true;
                mended.push('\u{fffd}');
                rest = &rest[6..];
                continue;
            }
            Some(_) => 6,
            // An escape of two bytes, such as `\\` or `\"`.
            None => rest.char_indices().nth(2).map_or(rest.len(), |next| next.0),
        };
        mended.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    mended.push_str(rest);
    is_mended.then_some(mended)
}

/// The code unit of an escape such as `\ud83d` at the beginning.
fn escaped_unit(json: &str) -> Option<u16> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_is_mended_and_a_whole_one_is_left() {
        for (json, expected) in [
            (r#""cut \ud83d""#, Some("\"cut \u{fffd}\"")),
            (
                r#""\ude00\ud83d\ude00""#,
                Some("\"\u{fffd}\\ud83d\\ude00\""),
            ),
            (r#""\ud83d\u0041""#, Some("\"\u{fffd}\\u0041\"")),
            (r#""\\ud83d \"x""#, None),
            (r#""\ud83d\ude00 ä""#, None),
            (r#""\"#, None),
            (r#""\ud8"#, None),
            ("", None),
        ] {
            let mended = without_lone_surrogates(json);
            assert_eq!(mended.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn counts_as_a_browser_does() {
        assert_eq!(len("aä😀"), 4);
        for (units, rest) in [
            (0, "aä😀b"),
            (1, "ä😀b"),
            (2, "😀b"),
            (3, "😀b"),
            (4, "b"),
            (5, ""),
            (9, ""),
        ] {
            assert_eq!(skip("aä😀b", units), rest, "{units}");
        }
    }
}
