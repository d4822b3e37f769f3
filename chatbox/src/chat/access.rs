//! Who may do what with a session.

/// Roles that mark staff, as the tokens of the Go service carry them.
const STAFF_ROLES: [&str; 2] = ["admin", "chat_admin"];

/// What somebody wants to do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Follow the conversation and read its history.
    Read,
    /// Ask a question in it.
    Write,
    /// Answer in place of the model.
    TakeOver,
    /// Give others a link to it.
    Share,
}

/// Somebody who wants to do something: the owner of a token.
#[derive(Clone, Copy, Debug)]
pub struct Participant<'a> {
    pub user: &'a str,
    pub roles: &'a [String],
}

/// Those whose conversation it is.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    /// The session's user.
    pub owner: &'a str,
    /// The member of staff who has taken it over.
    pub assignee: Option<&'a str>,
}

impl Participant<'_> {
    /// Whether `action` is permitted in a session of `parties`.
    ///
    /// A conversation belongs to its user: nobody else reads it, writes in it or shares it by being staff alone. Staff
    /// take a conversation over, and not their own; then it is theirs to read and write until they hand it back.
    pub fn may(&self, action: Action, parties: Parties<'_>) -> bool {
        let is_owner = self.user == parties.owner;
        let is_assignee = parties.assignee == Some(self.user);
        match action {
            Action::Read | Action::Write => is_owner || is_assignee,
            Action::Share => is_owner,
            Action::TakeOver => !is_owner && self.is_staff(),
        }
    }

    /// Whether this is a member of staff.
    pub fn is_staff(&self) -> bool {
        self.roles
            .iter()
            .any(|role| STAFF_ROLES.contains(&role.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_do_what() {
        let visitor = vec!["guest".to_owned()];
        let staff = vec!["sales".to_owned(), "chat_admin".to_owned()];
        let almost = vec!["Admin".to_owned(), "administrator".to_owned()];
        for (user, roles, read, write, take_over, share) in [
            ("owner", &visitor, true, true, false, true),
            ("owner", &staff, true, true, false, true),
            ("other", &visitor, false, false, false, false),
            ("other", &staff, false, false, true, false),
            ("other", &almost, false, false, false, false),
            ("", &visitor, false, false, false, false),
        ] {
            let participant = Participant { user, roles };
            let parties = |assignee| Parties {
                owner: "owner",
                assignee,
            };
            for (action, expected) in [
                (Action::Read, read),
                (Action::Write, write),
                (Action::TakeOver, take_over),
                (Action::Share, share),
            ] {
                for assignee in [None, Some("somebody")] {
                    assert_eq!(
                        participant.may(action, parties(assignee)),
                        expected,
                        "{user} {roles:?} {action:?} {assignee:?}"
                    );
                }
                let assigned = participant.may(action, parties(Some(user)));
                let by_assignment = matches!(action, Action::Read | Action::Write);
                assert_eq!(assigned, expected || by_assignment, "{user} {action:?}");
            }
        }
    }
}
