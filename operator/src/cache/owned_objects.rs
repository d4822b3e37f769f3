//! The objects of all Chatboxes, as compact records kept by the watches: ten thousand Chatboxes fit into memory, and a
//! reconcile of one that is as it should be needs no request.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kube::core::DynamicObject;
use kube::runtime::watcher::Event;

use super::cached_object::{CachedObject, Detail, Pod, Rollout};
use crate::kind::Kind;
use crate::names;
use crate::namespaced_name::NamespacedName;

/// The objects of one Chatbox, by kind and name. Labels and owners lead here, and both can be copied: an object is the
/// Chatbox's Deployment, say, only if it has its name too.
#[derive(Clone, Debug)]
pub struct OwnedObjects {
    chatbox: String,
    members: BTreeMap<(Kind, String), CachedObject>,
}

/// The objects of all Chatboxes.
#[derive(Debug, Default)]
pub struct OwnedObjectsCache {
    /// Which Chatbox an object was last seen to belong to: a label may be edited away.
    chatbox_of: HashMap<Kind, HashMap<NamespacedName, String>>,
    by_chatbox: HashMap<NamespacedName, OwnedObjects>,
    /// Per kind, what a list that is under way has named so far.
    listed: HashMap<Kind, HashSet<NamespacedName>>,
}

impl OwnedObjects {
    pub fn new(chatbox: &str) -> Self {
        Self {
            chatbox: chatbox.to_owned(),
            members: BTreeMap::new(),
        }
    }

    pub fn get(&self, kind: Kind, name: &str) -> Option<&CachedObject> {
        self.members.get(&(kind, name.to_owned()))
    }

    pub fn insert(&mut self, kind: Kind, name: &str, child: CachedObject) {
        self.members.insert((kind, name.to_owned()), child);
    }

    pub fn iter(&self) -> impl Iterator<Item = (Kind, &str, &CachedObject)> {
        self.members
            .iter()
            .map(|((kind, name), child)| (*kind, name.as_str(), child))
    }

    /// How far the Deployment is.
    pub fn rollout(&self) -> Option<&Rollout> {
        let deployment = self.get(Kind::Deployment, &names::app(&self.chatbox))?;
        match &deployment.detail {
            Detail::Deployment(rollout) => Some(rollout),
            _ => None,
        }
    }

    pub fn pods(&self) -> impl Iterator<Item = &Pod> {
        self.iter().filter_map(|(_, _, child)| match &child.detail {
            Detail::Pod(pod) if !child.terminating => Some(pod),
            _ => None,
        })
    }
}

impl OwnedObjectsCache {
    pub fn of(&self, chatbox: &NamespacedName) -> OwnedObjects {
        let objects = self.by_chatbox.get(chatbox).cloned();
        objects.unwrap_or_else(|| OwnedObjects::new(&chatbox.name))
    }

    /// Takes in what a watch reports, and says which Chatboxes must be looked at.
    pub fn observe(
        &mut self,
        kind: Kind,
        event: &Event<DynamicObject>,
    ) -> BTreeSet<NamespacedName> {
        match event {
            Event::Init => {
                self.listed.insert(kind, HashSet::new());
                BTreeSet::new()
            }
            Event::InitApply(object) => {
                self.listed.entry(kind).or_default().insert(key(object));
                self.put(kind, object)
            }
            Event::InitDone => self.forget_unlisted(kind),
            Event::Apply(object) => self.put(kind, object),
            Event::Delete(object) => {
                self.remove(kind, &key(object), object.metadata.uid.as_deref())
            }
        }
    }

    /// Takes in the answer to our own write, before the watch tells of it. Only of an object that is known: one that we
    /// have just created may already be gone again, and if the watch has told so, nothing would ever take it back.
    pub fn refresh(&mut self, kind: Kind, object: &DynamicObject) {
        let key = key(object);
        let chatbox = self
            .chatbox_of
            .get(&kind)
            .and_then(|chatbox_of| chatbox_of.get(&key));
        let objects = chatbox.and_then(|chatbox| self.by_chatbox.get(&key.sibling(chatbox)));
        let known = objects.and_then(|objects| objects.get(kind, &key.name));
        if known.is_some_and(|known| object.metadata.uid.as_ref() == Some(&known.uid)) {
            self.put(kind, object);
        }
    }

    /// Remembers an object; names the Chatboxes for which this is changed.
    fn put(&mut self, kind: Kind, object: &DynamicObject) -> BTreeSet<NamespacedName> {
        let key = key(object);
        let child = CachedObject::new(kind, object);
        let Some(chatbox) = child.chatbox().map(|name| key.sibling(name)) else {
            return self.remove(kind, &key, None);
        };
        let mut changed = BTreeSet::new();
        let before = self
            .chatbox_of
            .entry(kind)
            .or_default()
            .insert(key.clone(), chatbox.name.clone());
        if let Some(before) = before.filter(|before| *before != chatbox.name) {
            let before = key.sibling(&before);
            self.take(kind, &before, &key.name);
            changed.insert(before);
        }
        let objects = self
            .by_chatbox
            .entry(chatbox.clone())
            .or_insert_with(|| OwnedObjects::new(&chatbox.name));
        if is_change(objects.get(kind, &key.name), &child) {
            changed.insert(chatbox);
            objects.insert(kind, &key.name, child);
        }
        changed
    }

    /// Forgets an object, unless a later one has taken its name.
    fn remove(
        &mut self,
        kind: Kind,
        key: &NamespacedName,
        uid: Option<&str>,
    ) -> BTreeSet<NamespacedName> {
        let chatbox_of = self.chatbox_of.entry(kind).or_default();
        let Some(chatbox) = chatbox_of.get(key).map(|name| key.sibling(name)) else {
            return BTreeSet::new();
        };
        let known = self
            .by_chatbox
            .get(&chatbox)
            .and_then(|objects| objects.get(kind, &key.name));
        if uid.is_some_and(|uid| known.is_some_and(|known| known.uid != uid)) {
            return BTreeSet::new();
        }
        chatbox_of.remove(key);
        self.take(kind, &chatbox, &key.name);
        BTreeSet::from([chatbox])
    }

    fn take(&mut self, kind: Kind, chatbox: &NamespacedName, name: &str) {
        let Some(objects) = self.by_chatbox.get_mut(chatbox) else {
            return;
        };
        objects.members.remove(&(kind, name.to_owned()));
        if objects.members.is_empty() {
            self.by_chatbox.remove(chatbox);
        }
    }

    /// Deletions that happened while a watch was down show as absence from the next list.
    fn forget_unlisted(&mut self, kind: Kind) -> BTreeSet<NamespacedName> {
        let listed = self.listed.remove(&kind).unwrap_or_default();
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

/// Our own write is known from its answer before the watch tells of it; then the watch may still tell what was before.
fn is_change(known: Option<&CachedObject>, child: &CachedObject) -> bool {
    let Some(known) = known else {
        return true;
    };
    let same = CachedObject {
        version: known.version,
        ..child.clone()
    } == *known;
    !same && (known.uid != child.uid || known.version < child.version)
}

fn key(object: &DynamicObject) -> NamespacedName {
    NamespacedName {
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
