//! From what is to be and what is, to what must be done. Pure.

use crate::cache::{CachedObject, OwnedObjects, managed_fields};
use crate::error::Error;
use crate::identity::Identity;
use crate::kind::Kind;
use crate::names;
use crate::plan::{Object, Plan};

/// What must be done about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is as it should be.
    Keep,
    Create,
    /// Only while it is still the object of this uid.
    Update {
        uid: String,
    },
    /// It will be gone soon; then it can be made anew.
    Wait,
    /// It is being deleted, and stays for as long as pods use it. To wait for its end before `replicas: 0` is written
    /// would be to wait for ever.
    AwaitRelease,
    /// Somebody else's object has the name.
    Foreign,
}

/// An object that nothing wants any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    pub kind: Kind,
    pub name: String,
    pub uid: String,
}

pub fn step(identity: &Identity, object: &Object, live: Option<&CachedObject>) -> Step {
    let Some(live) = live else {
        return Step::Create;
    };
    if !live.belongs_to(object.kind, &identity.name, identity.uid()) {
        let leaves = live.terminating || live.is_left_over(&identity.name, identity.uid());
        return if leaves { Step::Wait } else { Step::Foreign };
    }
    if live.terminating {
        return if object.kind.is_retained() {
            Step::AwaitRelease
        } else {
            Step::Wait
        };
    }
    if live.owned == Some(managed_fields::of_desired(&object.body)) {
        return Step::Keep;
    }
    Step::Update {
        uid: live.uid.clone(),
    }
}

/// What keeps the others from being written: half a Chatbox helps nobody.
pub fn blocker(steps: &[(Object, Step)]) -> Option<Error> {
    steps.iter().find_map(|(object, step)| {
        let (kind, name) = (object.kind, object.name.clone());
        match step {
            Step::Foreign => Some(Error::Foreign { kind, name }),
            Step::Wait => Some(Error::Terminating { kind, name }),
            Step::Keep | Step::Create | Step::Update { .. } | Step::AwaitRelease => None,
        }
    })
}

/// What is not as it should be although all the others were written.
pub fn awaiting_release(steps: &[(Object, Step)]) -> Option<Error> {
    let (object, _) = steps.iter().find(|(_, step)| *step == Step::AwaitRelease)?;
    Some(Error::Terminating {
        kind: object.kind,
        name: object.name.clone(),
    })
}

/// Configs of ours that the plan does not name: of all that we make, only their names change. A copy that somebody made
/// under a name of their own, labels and owner included, is theirs.
pub fn stale(identity: &Identity, plan: &Plan, objects: &OwnedObjects) -> Vec<Stale> {
    let wanted: Vec<(Kind, String)> = plan
        .objects()
        .into_iter()
        .map(|object| (object.kind, object.name))
        .collect();
    objects
        .iter()
        .filter(|(kind, name, child)| {
            let is_ours = child
                .owner
                .as_ref()
                .is_some_and(|owner| owner.uid == identity.uid());
            let is_wanted = wanted.iter().any(|(k, n)| k == kind && n == name);
            let is_config = *kind == Kind::ConfigMap && names::is_config_map(&identity.name, name);
            is_ours && is_config && !is_wanted && !child.terminating
        })
        .map(|(kind, name, child)| Stale {
            kind,
            name: name.to_owned(),
            uid: child.uid.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
