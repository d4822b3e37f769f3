//! From desired and live objects to the changes that are needed. Pure.

use crate::cache::answers::{Answer, AnswersOfChatbox};
use crate::cache::cached_object::Owner;
use crate::cache::sync::Unavailable;
use crate::cache::{CachedObject, OwnedObjects, managed_fields};
use crate::error::Error;
use crate::kind::{Kind, Role};
use crate::names;
use crate::plan::Object;
use crate::stored::Stored;

/// What must be done about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it is as desired.
    None,
    Create,
    /// Only while it is still the object of this uid.
    Update {
        uid: String,
    },
    /// It is being deleted; it is created again when it is gone.
    AwaitDeletion,
    /// It is being deleted, and stays for as long as pods use it. To wait for that before `replicas: 0` is applied
    /// would be to wait for ever, so the other objects are applied. But pods are not replaced: to end the one that uses a
    /// claim is to destroy its data.
    AwaitRelease,
    /// Its name is taken by an object of somebody else, whose controller this is.
    Foreign {
        owner: Option<Owner>,
    },
}

/// An object that the plan does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    pub kind: Kind,
    pub name: String,
    pub uid: String,
}

/// The change that each object needs, in the order of the objects.
pub fn changes(
    chatbox: &Stored,
    desired: Vec<Object>,
    live: &OwnedObjects,
    answers: &AnswersOfChatbox,
) -> Vec<(Object, Change)> {
    let change = |object: Object| {
        let answer = answers.get(&(object.kind, object.name.clone()));
        let live = live.get(object.kind, &object.name);
        let change = change(chatbox, &object, live, answer);
        (object, change)
    };
    desired.into_iter().map(change).collect()
}

/// How many objects are not as desired.
pub fn pending(changes: &[(Object, Change)]) -> usize {
    let pending = changes.iter().filter(|(_, change)| *change != Change::None);
    pending.count()
}

/// Why none of the changes may be made: as long as nothing runs, half of a Chatbox is of no use. What runs is kept up to
/// date as far as possible.
pub fn blocker(changes: &[(Object, Change)]) -> Option<Error> {
    let runs = |(object, change): &(Object, Change)| {
        object.kind == Kind::DEPLOYMENT && matches!(change, Change::None | Change::Update { .. })
    };
    if changes.iter().any(runs) {
        return None;
    }
    let mut changes = changes.iter();
    changes.find_map(|(object, change)| match change {
        Change::AwaitRelease => None,
        _ => obstacle(object, change),
    })
}

/// Why a change cannot be made now.
pub fn obstacle(object: &Object, change: &Change) -> Option<Error> {
    let (kind, name) = (object.kind, object.name.clone());
    match change {
        Change::Foreign { owner } => Some(Error::Foreign {
            kind,
            name,
            owner: owner.clone().map(Box::new),
            chatbox: object.chatbox.clone(),
        }),
        Change::AwaitDeletion | Change::AwaitRelease => Some(Error::Terminating { kind, name }),
        Change::None | Change::Create | Change::Update { .. } => None,
    }
}

/// Whether new pods could not start, or would start with something else, if this change is not made. What exists is good
/// enough for them, but a claim that is being deleted is there only until the pod that uses it ends; the keys are not kept
/// by pods.
pub fn is_missed_by_pods(kind: Kind, change: &Change) -> bool {
    let is_there = match change {
        Change::None | Change::Update { .. } => true,
        Change::AwaitRelease => kind != Kind::PERSISTENT_VOLUME_CLAIM,
        Change::Create | Change::AwaitDeletion | Change::Foreign { .. } => false,
    };
    !is_there && is_needed_by_pods(kind)
}

/// Whether pods do not start without an object of this kind.
pub fn is_needed_by_pods(kind: Kind) -> bool {
    kind != Kind::SERVICE && kind != Kind::DEPLOYMENT
}

/// Whether a Deployment asks for no pods.
pub fn stops_pods(deployment: &Object) -> bool {
    deployment.body["spec"]["replicas"] == 0
}

/// The objects that can be written, and why the others cannot be: their APIs are absent, or cannot be listed.
pub fn available(
    desired: Vec<Object>,
    unavailable: impl Fn(Kind) -> Option<Unavailable>,
) -> (Vec<Object>, Vec<Error>) {
    let (mut objects, mut failures) = (Vec::new(), Vec::new());
    for object in desired {
        match unavailable(object.kind) {
            None => objects.push(object),
            Some(Unavailable::NotServed) => failures.push(Error::NotServed(object.kind)),
            Some(Unavailable::Failed(reason)) => failures.push(Error::NotListed {
                kind: object.kind,
                reason,
            }),
        }
    }
    (objects, failures)
}

/// Whether pods must not be replaced because of a failure to read something: they may need it.
pub fn holds_pods(unread: &Error) -> bool {
    matches!(unread, Error::Read { kind, .. } if is_needed_by_pods(*kind))
}

/// The objects that are not among these failures to read: what is not known is not written.
pub fn readable(desired: Vec<Object>, unread: &[Error]) -> Vec<Object> {
    let is_unread = |object: &Object| {
        unread.iter().any(|error| {
            matches!(error, Error::Read { kind, name, .. } if (*kind, name) == (object.kind, &object.name))
        })
    };
    let desired = desired.into_iter();
    desired.filter(|object| !is_unread(object)).collect()
}

/// The uid of the Deployment if it is the Chatbox's own and asks for pods. One that cannot be decoded may.
pub fn to_be_stopped(chatbox: &Stored, live: &OwnedObjects) -> Option<String> {
    let asks_for_pods = live
        .rollout(chatbox)?
        .map_or(true, |rollout| rollout.desired != 0);
    let name = names::app(&chatbox.namespaced_name.name);
    let deployment = live.get(Kind::DEPLOYMENT, &name)?;
    (asks_for_pods && !deployment.terminating).then(|| deployment.uid.clone())
}

/// The failures of these that are about a claim that pods can use as it is, and the others.
pub fn part(failures: Vec<Error>, has_claim: bool) -> (Vec<Error>, Vec<Error>) {
    let is_of_claim = |error: &Error| {
        has_claim
            && matches!(error, Error::Write { kind, .. } if *kind == Kind::PERSISTENT_VOLUME_CLAIM)
    };
    failures.into_iter().partition(is_of_claim)
}

/// Objects that an earlier plan contained and `desired` does not. They are ours if this Chatbox is their controller, by uid,
/// and our field manager owns fields of them: the first can be copied with an object, the second not. What holds data or
/// keys is never stale.
pub fn stale(chatbox: &Stored, desired: &[Object], live: &OwnedObjects) -> Vec<Stale> {
    let is_desired = |kind: Kind, name: &str| {
        let mut desired = desired.iter();
        desired.any(|object| object.kind == kind && object.name == name)
    };
    let is_stale = |kind: Kind, name: &str, object: &CachedObject| {
        let owner = object.owner.as_ref();
        kind.definition().role == Role::Managed
            && owner.is_some_and(|owner| owner.uid == chatbox.uid)
            && object.managed
            && !object.terminating
            && !is_desired(kind, name)
    };
    live.iter()
        .filter(|(kind, name, object)| is_stale(*kind, name, object))
        .map(|(kind, name, object)| Stale {
            kind,
            name: name.to_owned(),
            uid: object.uid.clone(),
        })
        .collect()
}

fn change(
    chatbox: &Stored,
    desired: &Object,
    live: Option<&CachedObject>,
    answer: Option<&Answer>,
) -> Change {
    let Some(live) = live else {
        return Change::Create;
    };
    if !live.belongs_to(desired.kind, chatbox) {
        let goes = live.terminating || live.is_orphan_of(chatbox);
        return if goes {
            Change::AwaitDeletion
        } else {
            Change::Foreign {
                owner: live.owner.clone(),
            }
        };
    }
    if live.terminating {
        return if desired.kind.is_retained() {
            Change::AwaitRelease
        } else {
            Change::AwaitDeletion
        };
    }
    let digest = managed_fields::of_desired(&desired.body);
    let is_answer = |answer: &Answer| {
        answer.uid == live.uid && answer.desired == digest && live.applied == Some(answer.answered)
    };
    if live.applied == Some(digest) || answer.is_some_and(is_answer) {
        return Change::None;
    }
    Change::Update {
        uid: live.uid.clone(),
    }
}

#[cfg(test)]
mod tests;
