//! History and settings → what the model is asked. Pure.

use crate::chat::{Message, Sender};
use crate::llm::{self, Request, Role};

/// What each message costs beside its text, in tokens.
const OVERHEAD: usize = 4;

/// The question, after as many of the newest messages before it as fit into `budget` tokens.
/// Each answer follows its question, also when more questions had come in before it was given.
pub(super) fn build(
    system: Option<&str>,
    budget: usize,
    history: &[Message],
    question: &Message,
) -> Request {
    let mut left = budget
        .saturating_sub(system.map_or(0, cost))
        .saturating_sub(cost(&question.content));
    let mut newest_first = vec![as_asked(question)];
    for earlier in in_order(history, question.seq).into_iter().rev() {
        let cost = cost(&earlier.content);
        if cost > left {
            break;
        }
        left -= cost;
        newest_first.push(as_asked(earlier));
    }
    newest_first.reverse();
    Request {
        session: question.session.clone(),
        system: system.map(ToOwned::to_owned),
        messages: newest_first,
        state: None,
    }
}

/// A token is about four bytes of English; scripts that take more bytes a character take more tokens too.
fn cost(text: &str) -> usize {
    text.len().div_ceil(4) + OVERHEAD
}

/// What was said before the question, by the place of the question that each message belongs to.
fn in_order(history: &[Message], question: i64) -> Vec<&Message> {
    let place = |message: &Message| {
        message
            .answer
            .as_ref()
            .map_or(message.seq, |answer| answer.question)
    };
    let mut earlier: Vec<_> = history
        .iter()
        .filter(|message| place(message) < question && !message.content.is_empty())
        .collect();
    earlier.sort_by_key(|message| (place(message), message.seq));
    earlier
}

fn as_asked(message: &Message) -> llm::Message {
    llm::Message {
        role: match message.sender {
            Sender::User => Role::User,
            Sender::Ai | Sender::System => Role::Assistant,
        },
        content: message.content.clone(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::chat::{Answered, MessageId, RunId, SessionId, Status};

    fn user(seq: i64, content: &str) -> Message {
        Message {
            id: MessageId::new(),
            session: SessionId::random(),
            seq,
            client_id: None,
            sender: Sender::User,
            content: content.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            answer: None,
        }
    }

    fn ai(seq: i64, question: i64, content: &str) -> Message {
        let answer = Answered {
            run: RunId::new(),
            fence: 1,
            question,
            status: Status::Complete,
            model: "m".to_owned(),
        };
        Message {
            sender: Sender::Ai,
            answer: Some(answer),
            ..user(seq, content)
        }
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
            ai(4, 1, "a1"),
            ai(5, 2, "a2"),
            user(6, "q6"),
        ];
        let request = build(Some("be kind"), 1000, &history, &question);
        assert_eq!(texts(&request), ["q1", "a1", "q2", "a2", "q3"]);
        assert_eq!(request.system.as_deref(), Some("be kind"));
        assert_eq!(request.messages[1].role, Role::Assistant);
    }

    #[test]
    fn an_answer_without_a_word_is_left_out() {
        let question = user(3, "q3");
        let request = build(
            None,
            1000,
            &[user(1, "q1"), ai(2, 1, ""), question.clone()],
            &question,
        );
        assert_eq!(texts(&request), ["q1", "q3"]);
    }

    #[test]
    fn the_newest_that_fit_are_taken_and_the_question_always_is() {
        let question = user(4, "12345678");
        let history = [
            user(1, "oldest"),
            user(2, &"x".repeat(400)),
            user(3, "newest"),
            question.clone(),
        ];
        assert_eq!(
            texts(&build(None, 20, &history, &question)),
            ["newest", "12345678"]
        );
        assert_eq!(texts(&build(None, 1, &history, &question)), ["12345678"]);
    }

    proptest! {
        #[test]
        fn the_budget_holds(lengths in prop::collection::vec(0usize..300, 1..30), budget in 100usize..2000) {
            let history: Vec<_> = (1..).zip(&lengths).map(|(seq, length)| user(seq, &"x".repeat(*length))).collect();
            let question = history.last().unwrap().clone();
            let request = build(None, budget, &history, &question);
            prop_assert!(request.messages.iter().map(|message| cost(&message.content)).sum::<usize>() <= budget);
            prop_assert_eq!(&request.messages.last().unwrap().content, &question.content);
        }
    }

    /// A message of one to four bytes costs five tokens.
    #[test]
    fn what_fits_exactly_is_taken() {
        let question = user(4, "q");
        let history = [
            user(1, "one"),
            user(2, "two"),
            user(3, "3"),
            question.clone(),
        ];
        for (budget, expected) in [(19, 3), (20, 4), (14, 2), (15, 3)] {
            let request = build(None, budget, &history, &question);
            assert_eq!(request.messages.len(), expected, "{budget}");
        }
        let request = build(Some("four"), 20, &history, &question);
        assert_eq!(texts(&request), ["two", "3", "q"]);
    }
}
