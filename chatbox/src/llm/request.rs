//! What a model is asked. Pure.

use crate::chat::SessionId;

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub session: SessionId,
    pub system: Option<String>,
    /// Oldest first: questions and their answers by turns, from a question on. The last one is the question that is asked.
    pub messages: Vec<Message>,
    /// The last [`Event::State`](super::Event::State) that this model sent in this session.
    pub state: Option<String>,
}

/// One message of a conversation, as a model is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

impl Request {
    /// Leaves out the older half of what came before the question, question and answer together; false when nothing did.
    pub(super) fn halve_history(&mut self) -> bool {
        let before = self.messages.len().saturating_sub(1);
        let pairs = before / 2;
        self.messages.drain(..before - pairs / 2 * 2);
        before > 0
    }

    /// Leaves out all that came before the question; false when nothing did.
    pub(super) fn forget_history(&mut self) -> bool {
        let before = self.messages.len().saturating_sub(1);
        self.messages.drain(..before);
        before > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_history_is_whole_pairs_until_only_the_question_is_left() {
        let message = |place: usize| Message {
            role: [Role::User, Role::Assistant][place % 2],
            content: place.to_string(),
        };
        let mut request = Request {
            session: SessionId::random(),
            system: None,
            messages: (0..11).map(message).collect(),
            state: None,
        };
        let mut lengths = Vec::new();
        while request.halve_history() {
            lengths.push(request.messages.len());
            assert_eq!(request.messages[0].role, Role::User);
            assert_eq!(request.messages.last(), Some(&message(10)));
        }
        assert_eq!(lengths, [5, 3, 1]);
    }
}
