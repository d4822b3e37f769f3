//! Takes out what a model thinks aloud at the start of its answer: `<think>…</think>` and its like. Pure.
//!
//! Servers that know their model put this into a field of its own, which is not read; others leave it in the text.

use crate::chat::thoughts::{BLOCKS, find, starts};

/// What models put around an answer that follows thoughts.
const WRAPPERS: [(&str, &str); 4] = [
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|START_TEXT|>", "<|END_TEXT|>"),
    ("<|channel|>final<|message|>", "<|return|>"),
];
/// What gpt-oss begins each of its messages with.
const BEGINNING: &str = "<|start|>assistant";
/// White space before an answer is held back until its first word; more of it than this is part of the answer.
const HELD_MAX: usize = 4096;

/// One answer's text, less the blocks at its start. Where the text is cut into pieces makes no difference.
#[derive(Default)]
pub(super) struct Filter {
    state: State,
    /// What came and cannot be decided yet.
    held: String,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Only white space has come so far.
    #[default]
    Start,
    /// Behind a block: the white space that follows it belongs to it.
    Behind,
    /// In a block with this end.
    Inside(&'static str),
    /// In an answer that this ends.
    Wrapped(&'static str),
    /// In the answer.
    Answer,
}

impl Filter {
    /// The next piece → as much of the answer as is certain now.
    pub(super) fn push(&mut self, piece: String) -> String {
        if matches!(self.state, State::Answer) {
            return piece;
        }
        self.held.push_str(&piece);
        loop {
            match self.state {
                State::Answer => return std::mem::take(&mut self.held),
                State::Inside(end) => {
                    let Some(place) = find(&self.held, end) else {
                        // All but what may be the beginning of the end.
                        let passed = self.held.len().saturating_sub(end.len() - 1);
                        self.held.drain(..self.held.floor_char_boundary(passed));
                        return String::new();
                    };
                    self.held.drain(..place + end.len());
                    self.state = State::Behind;
                }
                State::Wrapped(end) => return self.unwrapped(end),
                State::Start | State::Behind => match self.begin() {
                    Some(state) => self.state = state,
                    None => return String::new(),
                },
            }
        }
    }

    /// The answer is over: what was held and is not a block.
    pub(super) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Inside(_) => String::new(),
            _ if held.trim().is_empty() => String::new(),
            State::Behind => held.trim_start().to_owned(),
            State::Start | State::Wrapped(_) | State::Answer => held,
        }
    }

    /// The answer without its end, which may have come in part only.
    fn unwrapped(&mut self, end: &str) -> String {
        if let Some(place) = find(&self.held, end) {
            self.state = State::Answer;
            self.held.drain(place..place + end.len());
            return std::mem::take(&mut self.held);
        }
        let tails = self.held.char_indices().map(|(place, _)| place);
        let begun = tails
            .rev()
            .take(end.len())
            .filter(|place| starts(end, &self.held[*place..]))
            .last();
        let rest = self.held.split_off(begun.unwrap_or(self.held.len()));
        std::mem::replace(&mut self.held, rest)
    }

    /// What begins with the text that is held, once that is certain.
    fn begin(&mut self) -> Option<State> {
        let text = self.held.trim_start();
        let known = |(start, _): &&(&str, &str)| starts(text, start);
        let begun = if let Some((start, end)) = BLOCKS.iter().find(known) {
            Some((start.len(), State::Inside(end)))
        } else if let Some((start, end)) = WRAPPERS.iter().find(known) {
            Some((start.len(), State::Wrapped(end)))
        } else {
            starts(text, BEGINNING).then_some((BEGINNING.len(), State::Behind))
        };
        if let Some((length, state)) = begun {
            let block = self.held.len() - text.len() + length;
            self.held.drain(..block);
            return Some(state);
        }
        let mut starts_of_all = BLOCKS.iter().chain(&WRAPPERS).map(|(start, _)| *start);
        let is_open = starts_of_all.any(|start| starts(start, text)) || starts(BEGINNING, text);
        if is_open && self.held.len() < HELD_MAX {
            return None;
        }
        if matches!(self.state, State::Behind) {
            self.held
                .drain(..self.held.len() - self.held.trim_start().len());
        }
        Some(State::Answer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filter(pieces: &[&str]) -> String {
        let mut filter = Filter::default();
        let mut text: String = pieces
            .iter()
            .map(|piece| filter.push((*piece).to_owned()))
            .collect();
        text.push_str(&filter.finish());
        text
    }

    #[test]
    fn thoughts_before_an_answer_are_taken_out() {
        for (text, expected) in [
            ("<think>Hm, 😀.</think>\n\nYes.", "Yes."),
            ("\n <Think>\nHm.\n</THINK>Yes. </think>", "Yes. </think>"),
            (
                "<think></think><thinking>x</think>y</thinking> Yes.",
                "Yes.",
            ),
            ("[THINK]a[/THINK]b", "b"),
            ("◁think▷ä◁/think▷ b", "b"),
            ("<seed:think>a</seed:think>b", "b"),
            (
                "<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b<|END_RESPONSE|>",
                "b",
            ),
            (
                "<|begin_of_thought|>a<|end_of_thought|>\n\n<|begin_of_solution|>\nb <|c|> <|end_of_solution|>\n",
                "\nb <|c|> \n",
            ),
            (
                "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>",
                "b",
            ),
            ("<|channel|>final<|message|>b<|ret", "b<|ret"),
            ("<|START_TEXT|>b<|END_TEXT|>", "b"),
            (
                "<details type=\"reasoning\" done=\"true\">\n<summary>x</summary>\na</details>\nb",
                "b",
            ),
            ("<details>a</details>", "<details>a</details>"),
            ("<think>never closed", ""),
            ("<think>never closed </thin", ""),
            ("<think>all</think> \n", ""),
            (" \n ", ""),
            // Only at the start, and only a whole tag.
            ("Yes. <think>no</think>", "Yes. <think>no</think>"),
            ("<thin", "<thin"),
            ("<think", "<think"),
            ("  <b>x</b>", "  <b>x</b>"),
            ("<think>a</think> <th", "<th"),
            ("", ""),
        ] {
            assert_eq!(filter(&[text]), expected, "{text:?}");
        }
    }

    #[test]
    fn an_answer_is_not_held_back() {
        let mut filter = Filter::default();
        for (piece, expected) in [("<", ""), ("b", "<b"), (">", ">")] {
            assert_eq!(filter.push(piece.to_owned()), expected);
        }
        let mut blank = Filter::default();
        let text: String = (0..HELD_MAX).map(|_| blank.push(" ".to_owned())).collect();
        assert_eq!(text.len(), HELD_MAX, "what is held has an end");
    }

    proptest! {
        #[test]
        fn where_the_text_is_cut_makes_no_difference(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/think]", "<", "</", "think", ">", " ", "\n",
                "😀", "ä", "◁think▷", "◁/think▷", "word", "<|start|>assistant", "<|channel|>final<|message|>", "<|return|>", "<|",
                "<|channel|>analysis<|message|>", "<|end|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>",
            ]), 0..10),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = parts.concat();
            let mut cuts: Vec<_> = cuts
                .iter()
                .map(|cut| text.floor_char_boundary(cut.index(text.len() + 1)))
                .collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(filter(&pieces), filter(&[&text]));
            let each: Vec<_> = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect();
            prop_assert_eq!(filter(&each), filter(&[&text]));
        }
    }
}
