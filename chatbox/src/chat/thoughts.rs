//! Where an answer begins behind what the model thought aloud. Pure.
//!
//! Servers that know their model put its thoughts into a field of their own; others leave them in the text, as a block at
//! its beginning, or without the tag that opens the block where a model's template has written that into the prompt.

/// How blocks of thoughts begin and end, in any case of their letters. One that begins like another stands before it.
pub const BLOCKS: [(&str, &str); 18] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reason>", "</reason>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("<antthinking>", "</antthinking>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|thinking|>", "<|/thinking|>"),
    ("<details type=\"reasoning\"", "</details>"),
    // gpt-oss
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<|channel|>commentary<|message|>", "<|end|>"),
    ("<|channel|>thought<|message|>", "<|end|>"),
];

/// Of these the end alone says that what stands before it was a thought; others end other things too.
const NAMED_BY_THEIR_END: usize = 14;

/// The answer in a text: what stands behind the thoughts at its beginning. A text of nothing else is left as it is.
pub fn answer(text: &str) -> &str {
    let behind = behind_blocks(text);
    let answer = end_without_beginning(behind).map_or(behind, |end| behind[end..].trim_start());
    if answer.is_empty() { text } else { answer }
}

/// What makes an answer of which `before` was shown already be `text` alone, as if the rest had been thoughts; none where
/// what was shown speaks of such tags itself.
pub fn instead(before: &str, text: &str) -> Option<String> {
    let text = text.trim();
    let named = BLOCKS[..NAMED_BY_THEIR_END].iter();
    // A block of code that is still open would hold the tag.
    named
        .flat_map(|(_, end)| ["\n", "\n```\n"].map(|before| format!("{before}{end}\n\n{text}")))
        .find(|rest| answer(&format!("{before}{rest}")) == text)
}

/// Whether `text` begins with `start`, in any case of its letters.
pub fn starts(text: &str, start: &str) -> bool {
    let (text, start) = (text.as_bytes(), start.as_bytes());
    text.len() >= start.len() && text[..start.len()].eq_ignore_ascii_case(start)
}

/// Where `word` stands in `text`, in any case of its letters.
pub fn find(text: &str, word: &str) -> Option<usize> {
    text.as_bytes()
        .windows(word.len())
        .position(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

fn behind_blocks(text: &str) -> &str {
    let mut rest = text;
    loop {
        let block = rest.trim_start();
        let Some((start, end)) = BLOCKS.iter().find(|(start, _)| starts(block, start)) else {
            return rest;
        };
        let Some(place) = find(&block[start.len()..], end) else {
            return rest;
        };
        rest = block[start.len() + place + end.len()..].trim_start();
    }
}

/// Behind the first tag that ends a block which nothing began. A tag in quotes or code is spoken of, and ends nothing.
fn end_without_beginning(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (place, (start, end)) = memchr::memchr3_iter(b'<', b'[', "◁".as_bytes()[0], bytes)
        .filter(|place| text.is_char_boundary(*place))
        .find_map(|place| {
            let tags = BLOCKS[..NAMED_BY_THEIR_END].iter();
            let mut ends = tags.filter(|(_, end)| starts(&text[place..], end));
            Some((place, ends.next()?))
        })?;
    let before = &text[..place];
    let is_spoken_of =
        before.ends_with(['`', '"', '\'', '“', '«']) || before.matches("```").count() % 2 == 1;
    (!is_spoken_of && find(before, start).is_none()).then_some(place + end.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_begins_behind_the_thoughts() {
        for (text, expected) in [
            ("Yes.", "Yes."),
            (" Yes.", " Yes."),
            ("Hm, the user asks.\n</think>\n\nYes.", "Yes."),
            ("Hm</THINK>Yes.", "Yes."),
            ("Hm◁/think▷ Yes.", "Yes."),
            ("Hm</seed:think>Yes.", "Yes."),
            ("Hm<|END_THINKING|>Yes.", "Yes."),
            ("\n<think>Hm</think>\n<reasoning>Hm</reasoning>Yes.", "Yes."),
            ("<think>Hm</think>Hm</think>Yes.", "Yes."),
            (
                "<details type=\"reasoning\" done=\"true\">\nHm\n</details>\nYes.",
                "Yes.",
            ),
            ("<|channel|>analysis<|message|>Hm<|end|>Yes.", "Yes."),
            // Nothing but thoughts, or no thoughts.
            ("Hm</think> \n", "Hm</think> \n"),
            ("<think>Hm</think>", "<think>Hm</think>"),
            ("<think>Hm", "<think>Hm"),
            ("Write <think>x</think> so.", "Write <think>x</think> so."),
            ("The tag `</think>` ends it.", "The tag `</think>` ends it."),
            (
                "The tag \"</think>\" ends it.",
                "The tag \"</think>\" ends it.",
            ),
            ("```\nx\n</think>\n```", "```\nx\n</think>\n```"),
            ("<details>x</details>Yes.", "<details>x</details>Yes."),
            ("a <b [c ◀", "a <b [c ◀"),
            ("", ""),
        ] {
            assert_eq!(answer(text), expected, "{text:?}");
        }
    }

    /// As models write them.
    #[test]
    fn blocks_of_each_name_are_thoughts() {
        let tags = [
            "think",
            "thinking",
            "thought",
            "thoughts",
            "reason",
            "reasoning",
            "seed:think",
            "mm:think",
            "antthinking",
        ];
        let tags = tags.map(|tag| (format!("<{tag}>"), format!("</{tag}>")));
        let others = [
            ("[THINK]", "[/THINK]"),
            ("◁think▷", "◁/think▷"),
            ("<|START_THINKING|>", "<|END_THINKING|>"),
            ("<|begin_of_thought|>", "<|end_of_thought|>"),
            ("<|thinking|>", "<|/thinking|>"),
        ];
        let others = others.map(|(start, end)| (start.to_owned(), end.to_owned()));
        for (start, end) in tags.into_iter().chain(others) {
            for text in [
                format!("{start}Hm{end}Yes."),
                format!("\n{start}Hm{end}\n\nYes."),
                format!("Hm{end}Yes."),
            ] {
                assert_eq!(answer(&text), "Yes.", "{text}");
            }
        }
        for (start, end) in [
            ("<details type=\"reasoning\" done=\"true\">", "</details>"),
            ("<|channel|>analysis<|message|>", "<|end|>"),
            ("<|channel|>commentary<|message|>", "<|end|>"),
            ("<|channel|>thought<|message|>", "<|end|>"),
        ] {
            assert_eq!(answer(&format!("{start}Hm{end}Yes.")), "Yes.", "{start}");
            // Other things end so too.
            let text = format!("Hm{end}Yes.");
            assert_eq!(answer(&text), text);
        }
    }

    proptest! {
        #[test]
        fn an_answer_can_be_taken_back_for_another(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<think>", "</think>", "[THINK]", "```", "`", "\"", " ", "\n", "ä", "x",
            ]), 0..8),
        ) {
            let before = parts.concat();
            if let Some(rest) = instead(&before, "No.") {
                let whole = format!("{before}{rest}");
                prop_assert_eq!(answer(&whole), "No.");
            } else {
                prop_assert!(before.contains("think>") || before.contains("THINK"), "{}", before);
            }
        }

        #[test]
        fn an_answer_is_the_end_of_its_text(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<think>", "</think>", "[THINK]", "[/think]", "◁think▷", "◁/think▷", "◁", "<", "`", " ", "\n", "😀", "ä", "x",
            ]), 0..12),
        ) {
            let text = parts.concat();
            let answer = answer(&text);
            prop_assert!(text.ends_with(answer));
            prop_assert_eq!(answer.is_empty(), text.is_empty());
        }
    }
}
