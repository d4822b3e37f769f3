//! History and settings → what the model is asked. Pure.

use std::collections::BTreeMap;

use super::notes::Notes;
use crate::chat::{Message, Sender, Status, current};
use crate::llm::{self, Request, Role};

/// What each message costs beside its text, in tokens.
const OVERHEAD: usize = 4;
/// Characters of ASCII that make a token, about.
const ASCII_PER_TOKEN: usize = 4;

/// An earlier question and its answer.
type Pair<'a> = (&'a Message, &'a Message);

/// The question, after as many of the newest questions and answers before it as fit into `budget` tokens.
///
/// Providers refuse a conversation that does not begin with the user and go on by turns. So it is built from whole pairs:
/// a question that got no answer is left out, and so is one that a content filter stopped, which would be stopped again.
/// Each answer follows its question, also when more questions had come in before it was given.
pub(super) fn build(
    system: Option<&str>,
    budget: usize,
    history: &[Message],
    question: &Message,
) -> Request {
    let pairs = pairs(history, question);
    let notes = Notes::new(
        history,
        pairs.iter().map(|(asked, _)| asked.seq),
        question.seq,
    );
    let asked_now = notes.before(question);
    let mut left = budget
        .saturating_sub(system.map_or(0, cost))
        .saturating_sub(cost(&asked_now));
    let mut newest_first = vec![llm::Message {
        role: Role::User,
        content: asked_now,
    }];
    for (asked, answered) in pairs.into_iter().rev() {
        let text = notes.before(asked);
        let cost = cost(&text) + cost(answered.text());
        if cost > left {
            break;
        }
        left -= cost;
        newest_first.push(llm::Message {
            role: Role::Assistant,
            content: answered.text().to_owned(),
        });
        newest_first.push(llm::Message {
            role: Role::User,
            content: text,
        });
    }
    newest_first.reverse();
    Request {
        session: question.session.clone(),
        system: system.map(ToOwned::to_owned),
        messages: newest_first,
        state: None,
    }
}

/// What a text may cost in tokens. A character outside of ASCII is one at least, and an emoji two or more.
fn cost(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|letter| !letter.is_ascii());
    ascii.div_ceil(ASCII_PER_TOKEN) + others.map(char::len_utf16).sum::<usize>() + OVERHEAD
}

/// What was said before a question, in the order of the questions.
fn pairs<'a>(history: &'a [Message], question: &Message) -> Vec<Pair<'a>> {
    let questions: BTreeMap<_, _> = current(history)
        .filter(|message| message.sender == Sender::User && message.seq < question.seq)
        .filter(|message| question.replaces != Some(message.seq))
        .map(|message| (message.seq, message))
        .collect();
    let pairs: BTreeMap<_, _> = current(history)
        .filter_map(|message| {
            let answer = message.answer.as_ref()?;
            let question = *questions.get(&answer.question)?;
            let is_told = answer.status != Status::ContentFilter && has_text(message);
            (is_told && has_text(question)).then_some((answer.question, (question, message)))
        })
        .collect();
    pairs.into_values().collect()
}

fn has_text(message: &Message) -> bool {
    !message.text().trim().is_empty() && !message.is_unreadable()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::chat::{Answered, Kind, MessageId, RunId, SessionId};

    fn user(seq: i64, content: &str) -> Message {
        Message {
            id: MessageId::new(),
            session: SessionId::random(),
            seq,
            client_id: None,
            sender: Sender::User,
            content: content.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            replaces: None,
            kind: Kind::Text,
            agent: None,
            answer: None,
        }
    }

    fn ai(seq: i64, question: i64, content: &str, status: Status) -> Message {
        let answer = Answered {
            run: RunId::new(),
            fence: 1,
            question,
            status,
            model: "m".to_owned(),
        };
        Message {
            sender: Sender::Ai,
            answer: Some(answer),
            ..user(seq, content)
        }
    }

    fn told(seq: i64, question: i64, content: &str) -> Message {
        ai(seq, question, content, Status::Complete)
    }

    fn texts(request: &Request) -> Vec<&str> {
        request
            .messages
            .iter()
            .map(|message| message.content.as_str())
            .collect()
    }

    #[test]
    fn an_answer_follows_its_question() {
        let question = user(3, "q3");
        let history = [
            user(1, "q1"),
            user(2, "q2"),
            question.clone(),
            told(4, 1, "a1"),
            told(5, 2, "a2"),
            user(6, "q6"),
        ];
        let request = build(Some("be kind"), 1000, &history, &question);
        assert_eq!(texts(&request), ["q1", "a1", "q2", "a2", "q3"]);
        assert_eq!(request.system.as_deref(), Some("be kind"));
        assert_eq!(request.messages[1].role, Role::Assistant);
    }

    #[test]
    fn only_whole_pairs_are_told() {
        let question = user(20, "q");
        let history = [
            // What is read of a history may begin with an answer.
            told(2, 1, "cut off"),
            user(3, "no answer"),
            user(4, "empty"),
            ai(5, 4, " \n", Status::Failed),
            user(6, "half"),
            ai(7, 6, "ha", Status::Failed),
            user(8, "stopped"),
            ai(9, 8, "st", Status::Interrupted),
            user(10, "filtered"),
            ai(11, 10, "fi", Status::ContentFilter),
            user(12, "long"),
            ai(13, 12, "lo", Status::Length),
            user(14, "no"),
            ai(15, 14, "I will not", Status::Refusal),
            Message {
                sender: Sender::System,
                ..user(16, "a remark")
            },
        ];
        let request = build(None, 1000, &history, &question);
        assert_eq!(
            texts(&request),
            [
                "half",
                "ha",
                "stopped",
                "st",
                "long",
                "lo",
                "no",
                "I will not",
                "q"
            ]
        );
    }

    #[test]
    fn what_was_replaced_is_not_told() {
        let first = user(1, "q1");
        let replacement = Message {
            replaces: Some(3),
            ..user(6, "q3, in other words")
        };
        let history = [
            first.clone(),
            told(2, 1, "a1"),
            user(3, "q3"),
            told(4, 3, "a3"),
            told(5, 3, "a3 again"),
            replacement.clone(),
        ];
        let request = build(None, 1000, &history, &replacement);
        assert_eq!(texts(&request), ["q1", "a1", "q3, in other words"]);
        // Another answer to a question: that question, and what came before it.
        let request = build(None, 1000, &history[..5], &history[2]);
        assert_eq!(texts(&request), ["q1", "a1", "q3"]);
        let next = user(7, "q7");
        let request = build(None, 1000, &history[..5], &next);
        assert_eq!(texts(&request), ["q1", "a1", "q3", "a3 again", "q7"]);
    }

    #[test]
    fn thoughts_in_what_was_answered_are_not_told() {
        let question = user(5, "q</think>?");
        let history = [
            user(1, "q1"),
            told(2, 1, "Hm.\n</think>\n\na1"),
            user(3, "q2"),
            told(4, 3, "<think>Hm.</think>\na2"),
            question.clone(),
        ];
        let request = build(None, 1000, &history, &question);
        assert_eq!(texts(&request), ["q1", "a1", "q2", "a2", "q</think>?"]);
    }

    #[test]
    fn the_newest_that_fit_are_taken_and_the_question_always_is() {
        let question = user(7, "12345678");
        let history = [
            user(1, "oldest"),
            told(2, 1, "a1"),
            user(3, &"x".repeat(400)),
            told(4, 3, "a2"),
            user(5, "newest"),
            told(6, 5, "a3"),
            question.clone(),
        ];
        let build = |budget| build(None, budget, &history, &question);
        assert_eq!(texts(&build(30)), ["newest", "a3", "12345678"]);
        // The answer alone would fit.
        assert_eq!(texts(&build(14)), ["12345678"]);
        assert_eq!(texts(&build(1)), ["12345678"]);
    }

    #[test]
    fn characters_outside_of_ascii_are_tokens() {
        for (text, tokens) in [
            ("", 0),
            ("word", 1),
            ("words", 2),
            ("你好世界", 4),
            ("größe", 3),
            ("привет", 6),
            ("😀", 2),
        ] {
            assert_eq!(cost(text), tokens + OVERHEAD, "{text}");
        }
    }

    prop_compose! {
        /// A history in which anything may be missing, empty, late, or answered twice.
        fn history()(
            kinds in prop::collection::vec((0..4u8, 0..40i64, prop::sample::select(vec!["", " ", "x", "größe"])), 1..40),
        ) -> Vec<Message> {
            let statuses = Status::ALL;
            (1..).zip(kinds).map(|(seq, (kind, question, content))| match kind {
                0 | 1 => user(seq, content),
                2 => told(seq, question, content),
                _ => ai(seq, question, content, statuses[usize::try_from(question).unwrap() % statuses.len()]),
            }).collect()
        }
    }

    proptest! {
        #[test]
        fn the_budget_holds(lengths in prop::collection::vec(1usize..300, 1..30), budget in 100usize..2000) {
            let mut history = Vec::new();
            for (seq, length) in (1..).step_by(2).zip(&lengths) {
                history.extend([user(seq, &"x".repeat(*length)), told(seq + 1, seq, &"é".repeat(*length / 4 + 1))]);
            }
            let question = user(1000, "?");
            let request = build(None, budget, &history, &question);
            let costs = request.messages.iter().map(|message| cost(&message.content));
            prop_assert!(costs.sum::<usize>() <= budget);
            prop_assert_eq!(request.messages.last().unwrap().content.as_str(), "?");
        }

        #[test]
        fn turns_alternate_and_the_user_has_the_first_and_the_last(
            history in history(), place in any::<prop::sample::Index>(), budget in 0usize..200,
        ) {
            let mut question = history[place.index(history.len())].clone();
            question.sender = Sender::User;
            question.answer = None;
            let request = build(None, budget, &history, &question);
            for (place, message) in request.messages.iter().enumerate() {
                let role = [Role::User, Role::Assistant][place % 2];
                prop_assert_eq!(message.role, role);
                let is_last = place + 1 == request.messages.len();
                prop_assert!(is_last || !message.content.trim().is_empty());
            }
            prop_assert_eq!(&request.messages.last().unwrap().content, &question.content);
            prop_assert_eq!(request.messages.len() % 2, 1);
        }
    }

    /// A message of one to four bytes costs five tokens.
    #[test]
    fn what_fits_exactly_is_taken() {
        let question = user(5, "q");
        let history = [
            user(1, "one"),
            ai(2, 1, "two", Status::Complete),
            user(3, "3"),
            ai(4, 3, "four", Status::Complete),
            question.clone(),
        ];
        for (budget, expected) in [(14, 1), (15, 3), (24, 3), (25, 5)] {
            let request = build(None, budget, &history, &question);
            assert_eq!(request.messages.len(), expected, "{budget}");
        }
        let request = build(Some("four"), 20, &history, &question);
        assert_eq!(texts(&request), ["3", "four", "q"]);
    }
}
