//! What the API server made of what we applied, where it made something else of it. Pure.
//!
//! Rule: an admission webhook may change what is applied, such as the registry of an image. What the API server has answered
//! to our own apply counts as applied for as long as the same is desired; to write again would change nothing. Kept until the
//! answer is another, or the Chatbox is deleted. A restart forgets it, which costs one write.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::managed_fields::Digest;
use crate::kind::Kind;
use crate::stored::Stored;

/// The answers about the objects of one Chatbox.
pub type AnswersOfChatbox = BTreeMap<(Kind, String), Answer>;

/// What became of what was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The object that was written.
    pub uid: String,
    /// Digest of what was applied.
    pub desired: Digest,
    /// Digest of the same fields in the answer.
    pub answered: Digest,
}

/// The answers that differ from what was applied, by the uid of the Chatbox.
#[derive(Debug, Default)]
pub struct Answers(HashMap<String, AnswersOfChatbox>);

impl Answers {
    pub fn of(&self, chatbox: &Stored) -> AnswersOfChatbox {
        self.0.get(&chatbox.uid).cloned().unwrap_or_default()
    }

    /// Takes in the answer about an object.
    pub fn remember(&mut self, chatbox: &Stored, kind: Kind, name: &str, answer: Answer) {
        let key = (kind, name.to_owned());
        if answer.desired != answer.answered {
            let answers = self.0.entry(chatbox.uid.clone()).or_default();
            answers.insert(key, answer);
        } else if let Some(answers) = self.0.get_mut(&chatbox.uid) {
            answers.remove(&key);
        }
    }

    /// Drops the answers about a Chatbox that is deleted.
    pub fn forget(&mut self, chatbox: &Stored) {
        self.0.remove(&chatbox.uid);
    }

    /// Drops the answers about every other Chatbox than those with these uids.
    pub fn retain(&mut self, uids: &HashSet<String>) {
        self.0.retain(|uid, _| uids.contains(uid));
    }
}

#[cfg(test)]
mod tests {
    use crate::fixtures::stored;

    use super::*;

    fn answer(desired: u8, answered: u8) -> Answer {
        Answer {
            uid: "object".to_owned(),
            desired: [desired; 32],
            answered: [answered; 32],
        }
    }

    #[test]
    fn only_an_answer_that_differs_is_kept_until_it_no_longer_does() {
        let mut answers = Answers::default();
        let mut remember = |desired, answered| {
            let answer = answer(desired, answered);
            answers.remember(&stored(), Kind::DEPLOYMENT, "d", answer);
            answers.of(&stored()).len()
        };
        assert_eq!(remember(1, 1), 0);
        assert_eq!(remember(1, 2), 1);
        assert_eq!(remember(3, 2), 1);
        assert_eq!(remember(3, 3), 0);
    }

    #[test]
    fn the_answers_go_with_their_chatbox() {
        let mut answers = Answers::default();
        let mut remember = || answers.remember(&stored(), Kind::SERVICE, "s", answer(1, 2));
        remember();
        remember();
        assert_eq!(answers.0.len(), 1);
        answers.retain(&HashSet::from([stored().uid]));
        assert_eq!(answers.0.len(), 1);
        answers.retain(&HashSet::new());
        assert_eq!(answers.0.len(), 0);
        answers.remember(&stored(), Kind::SERVICE, "s", answer(1, 2));
        answers.forget(&stored());
        assert_eq!(answers.0.len(), 0);
    }
}
