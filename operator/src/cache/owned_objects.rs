//! The objects of all Chatboxes, as compact records.
//!
//! Rule: a record is replaced by a newer version of its object, from a watch or from the answer to our own write, and by
//! any version in a list; it is dropped when a watch reports the deletion or a complete list lacks it. So a reconcile of a converged Chatbox
//! needs no request.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use kube::core::DynamicObject;
use kube::runtime::watcher::Event;

use super::cached_object::{CachedObject, Detail, Pod, Rollout};
use crate::claim::LiveClaim;
use crate::kind::Kind;
use crate::names;
use crate::namespaced_name::NamespacedName;
use crate::stored::{Incomplete, Stored};

/// The objects of one Chatbox, by kind and name. Labels and names lead here, and both can be copied: an object is the
/// Chatbox's Deployment, say, only if it has its name and belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedObjects {
    objects: BTreeMap<(Kind, String), CachedObject>,
    /// What was looked for in this reconcile and does not exist.
    absent: BTreeSet<(Kind, String)>,
}

/// The objects of all Chatboxes.
#[derive(Debug, Default)]
pub struct OwnedObjectsCache {
    by_chatbox: HashMap<NamespacedName, Arc<OwnedObjects>>,
    /// The Chatbox that each object belonged to last: a label may be edited away.
    chatbox_of: HashMap<Kind, HashMap<NamespacedName, String>>,
    /// What a list that is under way has named so far.
    listed: HashMap<Kind, HashSet<NamespacedName>>,
}

impl OwnedObjects {
    pub fn get(&self, kind: Kind, name: &str) -> Option<&CachedObject> {
        self.objects.get(&(kind, name.to_owned()))
    }

    /// Whether it is known if the object exists.
    pub fn is_known(&self, kind: Kind, name: &str) -> bool {
        let key = (kind, name.to_owned());
        self.objects.contains_key(&key) || self.absent.contains(&key)
    }

    /// The same objects and one more, or one of them replaced.
    #[must_use]
    pub fn with(mut self, kind: Kind, name: &str, object: CachedObject) -> Self {
        self.objects.insert((kind, name.to_owned()), object);
        self
    }

    /// The same objects, of which this one is known not to exist.
    #[must_use]
    pub fn without(mut self, kind: Kind, name: &str) -> Self {
        self.absent.insert((kind, name.to_owned()));
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (Kind, &str, &CachedObject)> {
        self.objects
            .iter()
            .map(|((kind, name), object)| (*kind, name.as_str(), object))
    }

    /// State of the rollout of the Chatbox's Deployment, or why it cannot be decoded; none if it has none. One of somebody
    /// else's that has taken the name says nothing about the Chatbox.
    pub fn rollout(&self, chatbox: &Stored) -> Option<Result<&Rollout, &str>> {
        let name = names::app(&chatbox.namespaced_name.name);
        let deployment = self.get(Kind::DEPLOYMENT, &name)?;
        if !deployment.belongs_to(Kind::DEPLOYMENT, chatbox) {
            return None;
        }
        match &deployment.detail {
            Detail::Deployment(rollout) => Some(rollout.as_deref().map_err(String::as_str)),
            _ => None,
        }
    }

    /// The Chatbox's own claim, if it exists.
    pub fn claim(&self, chatbox: &Stored) -> Option<&LiveClaim> {
        let kind = Kind::PERSISTENT_VOLUME_CLAIM;
        let object = self.get(kind, &names::data(&chatbox.namespaced_name.name))?;
        match &object.detail {
            Detail::Claim(claim) if object.belongs_to(kind, chatbox) => Some(claim),
            _ => None,
        }
    }

    /// The pods of the Chatbox's Deployment. Their controllers are its ReplicaSets, which are named after it: a pod of
    /// somebody else's may carry our label.
    pub fn pods(&self, chatbox: &Stored) -> impl Iterator<Item = &Pod> {
        let prefix = format!("{}-", names::app(&chatbox.namespaced_name.name));
        self.iter().filter_map(move |(_, _, object)| {
            let owner = object.owner.as_ref()?;
            let is_ours = owner.kind == "ReplicaSet" && owner.name.starts_with(&prefix);
            match &object.detail {
                Detail::Pod(pod) if is_ours => Some(pod),
                _ => None,
            }
        })
    }
}

impl OwnedObjectsCache {
    pub fn of(&self, chatbox: &NamespacedName) -> Arc<OwnedObjects> {
        let objects = self.by_chatbox.get(chatbox).cloned();
        objects.unwrap_or_default()
    }

    /// Takes in an event of a watch, and returns the Chatboxes whose objects changed.
    pub fn observe(
        &mut self,
        kind: Kind,
        event: &Event<DynamicObject>,
    ) -> Result<BTreeSet<NamespacedName>, Incomplete> {
        match event {
            Event::Init => {
                self.listed.insert(kind, HashSet::new());
                Ok(BTreeSet::new())
            }
            Event::InitApply(object) => {
                let stored = Stored::new(kind.name(), &object.metadata)?;
                // Of Secrets every one is listed, and most are nobody's.
                if CachedObject::metadata_only(kind, &object.metadata)?
                    .chatbox()
                    .is_some()
                {
                    let listed = self.listed.entry(kind).or_default();
                    listed.insert(stored.namespaced_name.clone());
                }
                self.put(kind, object, is_listed_change)
            }
            Event::InitDone => {
                let listed = self.listed.remove(&kind).unwrap_or_default();
                Ok(self.retain(kind, &listed))
            }
            Event::Apply(object) => self.put(kind, object, is_change),
            Event::Delete(object) => {
                let stored = Stored::new(kind.name(), &object.metadata)?;
                Ok(self.remove(kind, &stored.namespaced_name, Some(&stored.uid)))
            }
        }
    }

    /// Takes in the answer to our own write before the watch reports it. Only of an object that is known: one that we
    /// have just created may already be deleted again, and if the watch has reported that, nothing would remove it.
    pub fn refresh(&mut self, kind: Kind, object: &DynamicObject) -> Result<(), Incomplete> {
        let stored = Stored::new(kind.name(), &object.metadata)?;
        let known = self.known(kind, &stored.namespaced_name);
        if known.is_some_and(|known| known.uid == stored.uid) {
            self.put(kind, object, is_change)?;
        }
        Ok(())
    }

    /// Drops every object of a kind: its API is gone. Returns the Chatboxes that had one.
    pub fn clear(&mut self, kind: Kind) -> BTreeSet<NamespacedName> {
        self.listed.remove(&kind);
        self.retain(kind, &HashSet::new())
    }

    fn known(&self, kind: Kind, object: &NamespacedName) -> Option<&CachedObject> {
        let chatbox = self.chatbox_of.get(&kind)?.get(object)?;
        let objects = self.by_chatbox.get(&object.sibling(chatbox))?;
        objects.get(kind, &object.name)
    }

    fn put(
        &mut self,
        kind: Kind,
        object: &DynamicObject,
        is_change: fn(&CachedObject, &CachedObject) -> bool,
    ) -> Result<BTreeSet<NamespacedName>, Incomplete> {
        let key = Stored::new(kind.name(), &object.metadata)?.namespaced_name;
        let object = CachedObject::new(kind, object)?;
        let Some(chatbox) = object.chatbox().map(|name| key.sibling(name)) else {
            return Ok(self.remove(kind, &key, None));
        };
        let mut changed = BTreeSet::new();
        let chatbox_of = self.chatbox_of.entry(kind).or_default();
        let before = chatbox_of.insert(key.clone(), chatbox.name.clone());
        if let Some(before) = before.filter(|before| *before != chatbox.name) {
            let before = key.sibling(&before);
            self.take(kind, &before, &key.name);
            changed.insert(before);
        }
        let objects = self.by_chatbox.entry(chatbox.clone()).or_default();
        let known = objects.get(kind, &key.name);
        if known.is_none_or(|known| is_change(known, &object)) {
            changed.insert(chatbox);
            let objects = Arc::make_mut(objects);
            objects.objects.insert((kind, key.name), object);
        }
        Ok(changed)
    }

    /// Drops an object, unless a later one has taken its name.
    fn remove(
        &mut self,
        kind: Kind,
        key: &NamespacedName,
        uid: Option<&str>,
    ) -> BTreeSet<NamespacedName> {
        let known = self.known(kind, key);
        if uid.is_some_and(|uid| known.is_some_and(|known| known.uid != uid)) {
            return BTreeSet::new();
        }
        let chatbox_of = self.chatbox_of.entry(kind).or_default();
        let Some(chatbox) = chatbox_of.remove(key).map(|name| key.sibling(&name)) else {
            return BTreeSet::new();
        };
        self.take(kind, &chatbox, &key.name);
        BTreeSet::from([chatbox])
    }

    fn take(&mut self, kind: Kind, chatbox: &NamespacedName, name: &str) {
        let Some(objects) = self.by_chatbox.get_mut(chatbox) else {
            return;
        };
        let objects = Arc::make_mut(objects);
        objects.objects.remove(&(kind, name.to_owned()));
        if objects.objects.is_empty() {
            self.by_chatbox.remove(chatbox);
        }
    }

    /// Drops what is not in `listed`: deletions that happened while a watch was down show as absence from the next list.
    fn retain(&mut self, kind: Kind, listed: &HashSet<NamespacedName>) -> BTreeSet<NamespacedName> {
        let known = self.chatbox_of.get(&kind).into_iter().flatten();
        let gone: Vec<NamespacedName> = known
            .map(|(key, _)| key)
            .filter(|key| !listed.contains(key))
            .cloned()
            .collect();
        gone.iter()
            .flat_map(|key| self.remove(kind, key, None))
            .collect()
    }
}

/// Our own write is known from its answer before the watch reports it; the watch may then still report what was before.
fn is_change(known: &CachedObject, object: &CachedObject) -> bool {
    let is_older = known.uid == object.uid && known.version >= object.version;
    !is_older && is_listed_change(known, object)
}

/// A list is the truth, even if it is older than what is known: versions go back when the cluster is restored from a
/// backup. If it has just missed a write of ours, the watch reports that write next.
fn is_listed_change(known: &CachedObject, object: &CachedObject) -> bool {
    let same = CachedObject {
        version: known.version,
        ..object.clone()
    } == *known;
    !same || known.version > object.version
}

#[cfg(test)]
mod tests;
