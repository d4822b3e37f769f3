//! Texts for a status and for events.

/// At most this many bytes of a text, cut between characters.
pub fn shorten(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let cut = text.floor_char_boundary(bytes.saturating_sub(3));
    format!("{}...", &text[..cut])
}

/// At most this many bytes of the end of a text, cut between characters: the last lines of a log say why it ended.
pub fn keep_end(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let cut = text.ceil_char_boundary(text.len() - bytes.saturating_sub(3));
    format!("...{}", &text[cut..])
}

/// The lines of a text as one, without those that are empty.
pub fn join_lines(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_bytes_and_between_characters() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abc...");
        for length in 3..9 {
            assert!(shorten("ääää", length).len() <= length);
        }
    }

    #[test]
    fn the_end_of_a_text_is_kept_by_bytes_and_between_characters() {
        assert_eq!(keep_end("abcdef", 6), "abcdef");
        assert_eq!(keep_end("abcdefg", 6), "...efg");
        for length in 3..9 {
            assert!(keep_end("ääää", length).len() <= length);
        }
    }

    #[test]
    fn no_line_is_lost() {
        let denial = "denied the request:\n\n  - no owner label\r\n  - no cost centre\n";
        let expected = "denied the request: - no owner label - no cost centre";
        assert_eq!(join_lines(denial), expected);
        assert_eq!(join_lines("\n\n"), "");
    }
}
