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

#[cfg(test)]
mod tests {
    use super::*;

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
