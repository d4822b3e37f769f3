//! What happens to a question: stored, recognised as one that is stored already, or rejected.
//!
//! A store gathers [`Facts`] inside its transaction, asks [`Admission::judge`], and does what the [`Verdict`] says. So
//! the rule is the same on every store, and no store has one of its own.

use super::{Author, Digest, Newest, Parties, Speaker, takeover};

/// Under which conditions a question is stored. Made when it arrives, judged at the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who asks.
    pub author: Author,
    /// Of the question's content.
    pub digest: Digest,
    /// How many questions of a session may wait for an answer at the same time.
    pub pending_max: usize,
    /// `seq` of the question that this one shall stand for.
    pub replaces: Option<i64>,
}

/// What a store knows of the session at the moment of the commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// `None` while there is no such session.
    pub parties: Option<Parties<'a>>,
    /// Questions that wait for an answer, the one being answered included.
    pub pending: usize,
    /// The digest of the message that carries the question's `client_id` already.
    pub same_client_id: Option<Digest>,
    /// Looked up only for a question that replaces another.
    pub newest: Newest,
}

/// What to do with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As something that this one says.
    Store(Speaker),
    /// It is stored already.
    Duplicate,
    Reject(Rejection),
}

/// Why a question is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The session belongs to another user.
    NotPermitted,
    /// The `client_id` was used for another content in this session.
    ClientIdReused,
    TooManyPending,
    /// Something else is under way in the session.
    Busy,
    /// What shall be replaced is not the newest of its kind any more.
    NotNewest,
    /// Another member of staff has taken the session over.
    AssignedToAnother,
}

impl Admission {
    pub fn judge(&self, facts: Facts<'_>) -> Verdict {
        let speaker = match takeover::speaker(&self.author, facts.parties) {
            Ok(speaker) => speaker,
            Err(rejection) => return Verdict::Reject(rejection),
        };
        match facts.same_client_id {
            Some(digest) if digest == self.digest => return Verdict::Duplicate,
            Some(_) => return Verdict::Reject(Rejection::ClientIdReused),
            None => {}
        }
        if facts.pending >= self.pending_max {
            return Verdict::Reject(Rejection::TooManyPending);
        }
        let replaces = self.replaces.map(|seq| facts.newest.may_replace(seq));
        match replaces {
            // Staff replace nothing of what a user has said.
            Some(Ok(())) if speaker == Speaker::Agent => Verdict::Reject(Rejection::NotPermitted),
            Some(Err(rejection)) => Verdict::Reject(rejection),
            Some(Ok(())) | None => Verdict::Store(speaker),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::DigestKey;

    fn of(owner: &str) -> Parties<'_> {
        Parties {
            owner,
            assignee: None,
        }
    }

    #[test]
    fn what_happens_to_a_question() {
        let key = DigestKey::random();
        let (same, other) = (key.digest("q"), key.digest("other"));
        let admission = Admission {
            author: Author {
                user: "u".to_owned(),
                name: "U".to_owned(),
                roles: Vec::new(),
            },
            digest: same,
            pending_max: 2,
            replaces: None,
        };
        for (owner, pending, same_client_id, expected) in [
            (None, 0, None, Verdict::Store(Speaker::User)),
            (Some("u"), 1, None, Verdict::Store(Speaker::User)),
            (
                Some("u"),
                2,
                None,
                Verdict::Reject(Rejection::TooManyPending),
            ),
            (Some("u"), 2, Some(same), Verdict::Duplicate),
            (
                Some("u"),
                0,
                Some(other),
                Verdict::Reject(Rejection::ClientIdReused),
            ),
            (Some("v"), 0, None, Verdict::Reject(Rejection::NotPermitted)),
            // A message of another user is not revealed.
            (
                Some("v"),
                0,
                Some(same),
                Verdict::Reject(Rejection::NotPermitted),
            ),
        ] {
            let facts = Facts {
                parties: owner.map(of),
                pending,
                same_client_id,
                newest: Newest::default(),
            };
            assert_eq!(admission.judge(facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_question_that_replaces_another_is_stored_once_too() {
        let key = DigestKey::random();
        let replaced = 3;
        let admission = Admission {
            author: Author {
                user: "u".to_owned(),
                name: "U".to_owned(),
                roles: Vec::new(),
            },
            digest: key.digest("q"),
            pending_max: 2,
            replaces: Some(replaced),
        };
        let facts = Facts {
            parties: Some(of("u")),
            newest: Newest {
                question: Some(replaced),
                ..Newest::default()
            },
            ..Facts::default()
        };
        assert_eq!(admission.judge(facts), Verdict::Store(Speaker::User));
        // It was stored, so another one is the newest now.
        let again = Facts {
            same_client_id: Some(key.digest("q")),
            newest: Newest::default(),
            ..facts
        };
        assert_eq!(admission.judge(again), Verdict::Duplicate);
        let late = Facts {
            newest: Newest::default(),
            ..facts
        };
        let expected = Verdict::Reject(Rejection::NotNewest);
        assert_eq!(admission.judge(late), expected);
    }
}
