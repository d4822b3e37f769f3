//! Who may stop an answer, have it written anew, or choose who writes the next one.
//!
//! As [`admission`](super::admission): a store gathers facts inside its transaction, and does what the rule says.

use std::collections::{HashMap, HashSet};

use super::{Agent, Message, Participant, Parties, Rejection, RunId, Speaker, takeover};

/// Somebody who writes in a session, or changes what happens in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub user: String,
    /// What others are shown.
    pub name: String,
    pub roles: Vec<String>,
}

impl Author {
    pub fn as_participant(&self) -> Participant<'_> {
        Participant {
            user: &self.user,
            roles: &self.roles,
        }
    }

    /// The author, as a member of staff.
    pub fn to_agent(&self) -> Agent {
        Agent {
            id: self.user.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether this one may choose how a model answers: the user alone, and anybody in a session that nobody has yet.
    pub fn may_steer(&self, parties: Option<Parties<'_>>) -> Result<(), Rejection> {
        match takeover::speaker(self, parties)? {
            Speaker::User | Speaker::UserToAgent => Ok(()),
            Speaker::Agent => Err(Rejection::NotPermitted),
        }
    }
}

/// What a store knows of the end of a session at the moment of a commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Newest {
    /// A run is at work, questions wait for one, or staff have taken the session over.
    pub is_busy: bool,
    /// `seq` of the newest question.
    pub question: Option<i64>,
    /// `seq` of the newest answer to it.
    pub answer: Option<i64>,
}

impl Newest {
    /// Whether a new question may stand for `replaced`. Only the newest one may be replaced, so that a conversation stays
    /// one line of questions and answers, and only when nothing of it is under way.
    pub fn may_replace(self, replaced: i64) -> Result<(), Rejection> {
        if self.is_busy {
            return Err(Rejection::Busy);
        }
        if self.question != Some(replaced) {
            return Err(Rejection::NotNewest);
        }
        Ok(())
    }

    /// Whether `answer` may be written anew. Its `seq` says which one was meant: a request that comes twice finds another one.
    pub fn may_regenerate(self, answer: i64) -> Result<(), Rejection> {
        if self.is_busy {
            return Err(Rejection::Busy);
        }
        if self.answer != Some(answer) {
            return Err(Rejection::NotNewest);
        }
        Ok(())
    }
}

/// The run that a user wants to stop, if `at_work` is the one that is at work. One that has ended needs no stopping.
pub fn to_cancel(wanted: Option<RunId>, at_work: Option<RunId>) -> Option<RunId> {
    at_work.filter(|run| wanted.is_none_or(|wanted| wanted == *run))
}

/// The messages that hold: without questions that another one stands for, and of several answers to one question only the
/// newest. `messages` are in their order, and the ones that replace others are among them.
pub fn current(messages: &[Message]) -> impl Iterator<Item = &Message> {
    let replaced: HashSet<i64> = messages
        .iter()
        .filter_map(|message| message.replaces)
        .collect();
    // Later ones overwrite earlier ones.
    let answers: HashMap<i64, i64> = messages
        .iter()
        .filter_map(|message| Some((message.answer.as_ref()?.question, message.seq)))
        .collect();
    messages
        .iter()
        .filter(move |message| match &message.answer {
            Some(answer) => {
                !replaced.contains(&answer.question)
                    && answers.get(&answer.question) == Some(&message.seq)
            }
            None => !replaced.contains(&message.seq),
        })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::chat::{Answered, Kind, MessageId, Sender, SessionId, Status};

    fn question(seq: i64, replaces: Option<i64>) -> Message {
        Message {
            id: MessageId::new(),
            session: SessionId::random(),
            seq,
            client_id: None,
            sender: Sender::User,
            content: "q".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            replaces,
            kind: Kind::Text,
            agent: None,
            answer: None,
        }
    }

    fn answer(seq: i64, question: i64) -> Message {
        let answer = Answered {
            run: RunId::new(),
            fence: seq,
            question,
            status: Status::Complete,
            model: "m".to_owned(),
        };
        Message {
            sender: Sender::Ai,
            answer: Some(answer),
            ..self::question(seq, None)
        }
    }

    #[test]
    fn what_was_replaced_holds_no_more() {
        let messages = [
            question(1, None),
            answer(2, 1),
            question(3, None),
            answer(4, 3),
            // Another answer, then another question, and another answer to that.
            answer(5, 3),
            question(6, Some(3)),
            answer(7, 6),
            answer(8, 6),
            question(9, None),
        ];
        let seqs = |messages: &[Message]| -> Vec<i64> {
            current(messages).map(|message| message.seq).collect()
        };
        assert_eq!(seqs(&messages), [1, 2, 6, 8, 9]);
        assert_eq!(seqs(&messages[..5]), [1, 2, 3, 5]);
        assert_eq!(seqs(&messages[..7]), [1, 2, 6, 7]);
        // The rest of a history may lie on an earlier page.
        assert_eq!(seqs(&messages[3..6]), [6]);
    }

    #[test]
    fn only_the_newest_is_replaced_and_only_at_rest() {
        let (question, answer, older) = (5, 7, 3);
        let rest = Newest {
            is_busy: false,
            question: Some(question),
            answer: Some(answer),
        };
        let busy = Newest {
            is_busy: true,
            ..rest
        };
        let unanswered = Newest {
            answer: None,
            ..rest
        };
        for (newest, replace, regenerate) in [
            (rest, Ok(()), Ok(())),
            (busy, Err(Rejection::Busy), Err(Rejection::Busy)),
            (unanswered, Ok(()), Err(Rejection::NotNewest)),
            (
                Newest::default(),
                Err(Rejection::NotNewest),
                Err(Rejection::NotNewest),
            ),
        ] {
            assert_eq!(newest.may_replace(question), replace, "{newest:?}");
            assert_eq!(newest.may_regenerate(answer), regenerate, "{newest:?}");
            assert!(newest.may_replace(older).is_err() && newest.may_regenerate(older).is_err());
            assert!(
                newest.may_replace(answer).is_err() && newest.may_regenerate(question).is_err()
            );
        }
    }

    #[test]
    fn what_is_not_at_work_is_not_stopped() {
        let (run, other) = (RunId::new(), RunId::new());
        assert_eq!(to_cancel(None, Some(run)), Some(run));
        assert_eq!(to_cancel(Some(run), Some(run)), Some(run));
        assert_eq!(to_cancel(Some(other), Some(run)), None);
        assert_eq!(to_cancel(Some(run), None), None);
        assert_eq!(to_cancel(None, None), None);
    }

    #[test]
    fn only_its_user_steers_a_session() {
        let author = |user: &str| Author {
            user: user.to_owned(),
            name: user.to_owned(),
            roles: vec!["admin".to_owned()],
        };
        let parties = |assignee| {
            Some(Parties {
                owner: "u",
                assignee,
            })
        };
        assert_eq!(author("u").may_steer(parties(None)), Ok(()));
        assert_eq!(author("u").may_steer(parties(Some("v"))), Ok(()));
        assert_eq!(author("u").may_steer(None), Ok(()));
        for assignee in [None, Some("v")] {
            let refused = author("v").may_steer(parties(assignee));
            assert_eq!(refused, Err(Rejection::NotPermitted));
        }
    }
}
