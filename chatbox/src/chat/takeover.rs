//! When a member of staff talks in place of the model.
//!
//! A session has one assignee at most. Who becomes it is decided by one compare-and-set in the store, which raises the fence:
//! from that commit on no answer with an older fence is stored, and none is shown.

use serde::{Deserialize, Serialize};

use super::{Action, Author, Parties, Rejection};

/// A member of staff who talks in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub id: String,
    pub name: String,
}

/// Who says something in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// Its user, to the model.
    User,
    /// Its user, to the member of staff who has taken it over.
    UserToAgent,
    /// That member of staff.
    Agent,
}

/// Who says what `author` writes. A session that nobody has yet belongs to whoever writes first.
pub fn speaker(author: &Author, parties: Option<Parties<'_>>) -> Result<Speaker, Rejection> {
    let Some(parties) = parties else {
        return Ok(Speaker::User);
    };
    if !author.as_participant().may(Action::Write, parties) {
        return Err(Rejection::NotPermitted);
    }
    Ok(match parties.assignee {
        _ if author.user != parties.owner => Speaker::Agent,
        Some(_) => Speaker::UserToAgent,
        None => Speaker::User,
    })
}

/// Whether `author` becomes the assignee; false: it is already.
pub fn may_assign(author: &Author, parties: Parties<'_>) -> Result<bool, Rejection> {
    if !author.as_participant().may(Action::TakeOver, parties) {
        return Err(Rejection::NotPermitted);
    }
    match parties.assignee {
        None => Ok(true),
        Some(assignee) if assignee == author.user => Ok(false),
        Some(_) => Err(Rejection::AssignedToAnother),
    }
}

/// Whether `author` hands the session back; false: nobody has it.
pub fn may_release(author: &Author, parties: Parties<'_>) -> Result<bool, Rejection> {
    match parties.assignee {
        Some(assignee) if assignee == author.user => Ok(true),
        None if author.as_participant().may(Action::TakeOver, parties) => Ok(false),
        _ => Err(Rejection::NotPermitted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(user: &str) -> Author {
        let role = if user.starts_with("admin") {
            "admin"
        } else {
            "visitor"
        };
        Author {
            user: user.to_owned(),
            name: user.to_owned(),
            roles: vec![role.to_owned()],
        }
    }

    #[test]
    fn who_takes_a_session_over_who_talks_in_it_and_who_hands_it_back() {
        use Rejection::{AssignedToAnother, NotPermitted};
        for (user, assignee, speaks, assigns, releases) in [
            (
                "u",
                None,
                Ok(Speaker::User),
                Err(NotPermitted),
                Err(NotPermitted),
            ),
            (
                "u",
                Some("admin1"),
                Ok(Speaker::UserToAgent),
                Err(NotPermitted),
                Err(NotPermitted),
            ),
            (
                "v",
                None,
                Err(NotPermitted),
                Err(NotPermitted),
                Err(NotPermitted),
            ),
            ("admin1", None, Err(NotPermitted), Ok(true), Ok(false)),
            (
                "admin1",
                Some("admin1"),
                Ok(Speaker::Agent),
                Ok(false),
                Ok(true),
            ),
            (
                "admin2",
                Some("admin1"),
                Err(NotPermitted),
                Err(AssignedToAnother),
                Err(NotPermitted),
            ),
        ] {
            let parties = Parties {
                owner: "u",
                assignee,
            };
            let author = author(user);
            assert_eq!(
                speaker(&author, Some(parties)),
                speaks,
                "{user} {assignee:?}"
            );
            assert_eq!(may_assign(&author, parties), assigns, "{user} {assignee:?}");
            assert_eq!(
                may_release(&author, parties),
                releases,
                "{user} {assignee:?}"
            );
        }
        assert_eq!(speaker(&author("v"), None), Ok(Speaker::User));
        // Staff do not take their own conversations over.
        let own = Parties {
            owner: "admin1",
            assignee: None,
        };
        assert_eq!(may_assign(&author("admin1"), own), Err(NotPermitted));
    }
}
