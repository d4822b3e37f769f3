//! The name of a session, from its first message.

/// Longest name, in characters.
const MAX: usize = 50;
const UNNAMED: &str = "New Chat";

/// The first line or sentence of `text`, cut at a word if it is long.
pub fn title(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    let sentence = first_sentence(line);
    if sentence.is_empty() {
        return UNNAMED.to_owned();
    }
    if sentence.chars().count() <= MAX {
        return sentence.to_owned();
    }
    let head: String = sentence.chars().take(MAX - 3).collect();
    let cut = match head.rfind(char::is_whitespace) {
        Some(space) => head[..space].trim_end(),
        None => &head,
    };
    format!("{cut}...")
}

/// A sentence ends at its mark only if white space or nothing follows, so "3.5" and "e.g.x" go on; marks of
/// Chinese and Japanese, which use no spaces, end it at once.
fn first_sentence(line: &str) -> &str {
    let mut letters = line.char_indices().peekable();
    while let Some((start, letter)) = letters.next() {
        let end = start + letter.len_utf8();
        let last = letters.peek().is_none_or(|(_, next)| next.is_whitespace());
        match letter {
            '.' | '?' | '!' if last => return &line[..end],
            '\u{3002}' | '\u{ff1f}' | '\u{ff01}' => return &line[..end],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let long = "one two three four five six seven eight nine ten eleven";
        let unbroken = "ä".repeat(60);
        for (text, expected) in [
            ("", UNNAMED),
            ("  \n ", UNNAMED),
            ("Hello there. And more", "Hello there."),
            ("Is 3.5 enough? Yes", "Is 3.5 enough?"),
            ("first line\nsecond", "first line"),
            ("你好吗\u{ff1f}我很好", "你好吗\u{ff1f}"),
            (long, "one two three four five six seven eight nine..."),
            (&unbroken, &format!("{}...", "ä".repeat(47))),
        ] {
            assert_eq!(title(text), expected, "{text:?}");
        }
    }
}
