//! What a model is told of the time when a member of staff talked in its place. Pure.

use std::collections::BTreeMap;

use crate::chat::{Kind, Message, Sender};

/// Characters of what was said that a model is told; of more, the end.
const CHARS_MAX: usize = 8000;

/// What was said between questions to the model, by the `seq` of the question that came after it.
pub(super) struct Notes(BTreeMap<i64, String>);

impl Notes {
    /// `answered`: `seq` of the questions that a model has answered; `asked`: of the one that is asked now.
    pub(super) fn new(
        history: &[Message],
        answered: impl Iterator<Item = i64>,
        asked: i64,
    ) -> Self {
        let questions: Vec<i64> = answered.chain([asked]).collect();
        let mut said: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        let mut is_taken_over = false;
        for message in history {
            match message.kind {
                Kind::AdminJoin { .. } => is_taken_over = true,
                Kind::AdminLeave { .. } => is_taken_over = false,
                Kind::HelpRequest => continue,
                Kind::Text => {}
            }
            let line = match (message.kind, message.sender) {
                (Kind::Text, Sender::Admin) => format!("{}: {}", name(message), message.content),
                (Kind::Text, Sender::User) if is_taken_over => {
                    format!("User: {}", message.content)
                }
                _ => continue,
            };
            let next = questions.iter().find(|seq| **seq > message.seq);
            if let Some(next) = next {
                said.entry(*next).or_default().push(line);
            }
        }
        Self(
            said.into_iter()
                .map(|(seq, lines)| (seq, note(&lines)))
                .collect(),
        )
    }

    /// A question, after what was said before it.
    pub(super) fn before(&self, question: &Message) -> String {
        match self.0.get(&question.seq) {
            Some(note) => format!("{note}\n\n{}", question.text()),
            None => question.text().to_owned(),
        }
    }
}

fn name(message: &Message) -> &str {
    let agent = message.agent.as_ref();
    agent.map_or("Staff", |agent| agent.name.as_str())
}

fn note(lines: &[String]) -> String {
    let said = lines.join("\n");
    let cut = said.chars().count().saturating_sub(CHARS_MAX);
    let said: String = said.chars().skip(cut).collect();
    format!(
        "[A member of staff talked with the user in your place. What they said:]\n{said}\n[You are answering again.]"
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::chat::{Agent, MessageId, SessionId};

    fn message(seq: i64, sender: Sender, kind: Kind, content: &str) -> Message {
        let agent = (sender == Sender::Admin).then(|| Agent {
            id: "a".to_owned(),
            name: "Ada".to_owned(),
        });
        Message {
            id: MessageId::new(),
            session: SessionId::random(),
            seq,
            client_id: None,
            sender,
            content: content.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            replaces: None,
            kind,
            agent,
            answer: None,
        }
    }

    fn text(seq: i64, sender: Sender, content: &str) -> Message {
        message(seq, sender, Kind::Text, content)
    }

    #[test]
    fn a_model_is_told_what_was_said_in_its_place_before_the_next_question() {
        let join = Kind::AdminJoin { fence: 2 };
        let leave = Kind::AdminLeave { fence: 3 };
        let history = [
            text(1, Sender::User, "q1"),
            text(2, Sender::Ai, "a1"),
            message(3, Sender::User, Kind::HelpRequest, "help"),
            text(4, Sender::User, "nobody answered"),
            message(5, Sender::Admin, join, "has joined"),
            text(6, Sender::User, "It is broken."),
            text(7, Sender::Admin, "We send a new one."),
            message(8, Sender::Admin, leave, "has left"),
            text(9, Sender::User, "q2"),
            text(10, Sender::Ai, "a2"),
            text(11, Sender::User, "q3"),
        ];
        let notes = Notes::new(&history, [1, 9].into_iter(), 11);
        assert_eq!(notes.before(&history[0]), "q1");
        assert_eq!(notes.before(&history[10]), "q3");
        assert_eq!(
            notes.before(&history[8]),
            "[A member of staff talked with the user in your place. What they said:]\n\
             User: It is broken.\nAda: We send a new one.\n[You are answering again.]\n\nq2"
        );
    }

    #[test]
    fn of_much_the_end_is_told() {
        let history = [
            text(1, Sender::Admin, &"ä".repeat(CHARS_MAX)),
            text(2, Sender::Admin, "the end"),
        ];
        let notes = Notes::new(&history, [].into_iter(), 3);
        let told = notes.before(&text(3, Sender::User, "q"));
        assert!(
            told.contains("ääAda: the end\n") || told.contains("ää\nAda: the end\n"),
            "{told}"
        );
        assert!(told.chars().count() < CHARS_MAX + 200);
    }
}
