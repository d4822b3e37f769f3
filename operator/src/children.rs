//! The objects of all Chatboxes, as compact records kept by the watches: ten thousand Chatboxes fit into memory, and a
//! reconcile of one that is as it should be needs no request.

pub mod child;
pub mod owned;
pub mod trouble;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kube::core::DynamicObject;
use kube::runtime::watcher::Event;

use crate::kind::Kind;
use crate::plan::names;

pub use child::{Child, Detail, Pod, Rollout};

/// Which Chatbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub namespace: String,
    pub name: String,
}

/// The objects of one Chatbox, by kind and name. Labels and owners lead here, and both can be copied: an object is the
/// Chatbox's Deployment, say, only if it has its name too.
#[derive(Clone, Debug)]
pub struct Family {
    chatbox: String,
    members: BTreeMap<(Kind, String), Child>,
}

/// The objects of all Chatboxes.
#[derive(Debug, Default)]
pub struct Children {
    /// Which Chatbox an object was last seen to belong to: a label may be edited away.
    homes: HashMap<Kind, HashMap<Key, String>>,
    families: HashMap<Key, Family>,
    /// Per kind, what a list that is under way has named so far.
    listed: HashMap<Kind, HashSet<Key>>,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Family {
    pub fn new(chatbox: &str) -> Self {
        Self {
            chatbox: chatbox.to_owned(),
            members: BTreeMap::new(),
        }
    }

    pub fn get(&self, kind: Kind, name: &str) -> Option<&Child> {
        self.members.get(&(kind, name.to_owned()))
    }

    pub fn insert(&mut self, kind: Kind, name: &str, child: Child) {
        self.members.insert((kind, name.to_owned()), child);
    }

    pub fn iter(&self) -> impl Iterator<Item = (Kind, &str, &Child)> {
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

impl Children {
    pub fn family(&self, chatbox: &Key) -> Family {
        let family = self.families.get(chatbox).cloned();
        family.unwrap_or_else(|| Family::new(&chatbox.name))
    }

    /// Takes in what a watch reports, and says which Chatboxes must be looked at.
    pub fn observe(&mut self, kind: Kind, event: &Event<DynamicObject>) -> BTreeSet<Key> {
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
        let home = self.homes.get(&kind).and_then(|homes| homes.get(&key));
        let family = home.and_then(|home| self.families.get(&sibling(&key, home)));
        let known = family.and_then(|family| family.get(kind, &key.name));
        if known.is_some_and(|known| object.metadata.uid.as_ref() == Some(&known.uid)) {
            self.put(kind, object);
        }
    }

    /// Remembers an object; names the Chatboxes for which this is news.
    fn put(&mut self, kind: Kind, object: &DynamicObject) -> BTreeSet<Key> {
        let key = key(object);
        let child = Child::new(kind, object);
        let Some(home) = child.chatbox().map(|name| sibling(&key, name)) else {
            return self.remove(kind, &key, None);
        };
        let mut news = BTreeSet::new();
        let before = self
            .homes
            .entry(kind)
            .or_default()
            .insert(key.clone(), home.name.clone());
        if let Some(before) = before.filter(|before| *before != home.name) {
            let before = sibling(&key, &before);
            self.take(kind, &before, &key.name);
            news.insert(before);
        }
        let family = self
            .families
            .entry(home.clone())
            .or_insert_with(|| Family::new(&home.name));
        if is_news(family.get(kind, &key.name), &child) {
            news.insert(home);
            family.insert(kind, &key.name, child);
        }
        news
    }

    /// Forgets an object, unless a later one has taken its name.
    fn remove(&mut self, kind: Kind, key: &Key, uid: Option<&str>) -> BTreeSet<Key> {
        let homes = self.homes.entry(kind).or_default();
        let Some(home) = homes.get(key).map(|name| sibling(key, name)) else {
            return BTreeSet::new();
        };
        let known = self
            .families
            .get(&home)
            .and_then(|family| family.get(kind, &key.name));
        if uid.is_some_and(|uid| known.is_some_and(|known| known.uid != uid)) {
            return BTreeSet::new();
        }
        homes.remove(key);
        self.take(kind, &home, &key.name);
        BTreeSet::from([home])
    }

    fn take(&mut self, kind: Kind, home: &Key, name: &str) {
        let Some(family) = self.families.get_mut(home) else {
            return;
        };
        family.members.remove(&(kind, name.to_owned()));
        if family.members.is_empty() {
            self.families.remove(home);
        }
    }

    /// Deletions that happened while a watch was down show as absence from the next list.
    fn forget_unlisted(&mut self, kind: Kind) -> BTreeSet<Key> {
        let listed = self.listed.remove(&kind).unwrap_or_default();
        let known = self.homes.get(&kind).into_iter().flatten();
        let gone: Vec<Key> = known
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
fn is_news(known: Option<&Child>, child: &Child) -> bool {
    let Some(known) = known else {
        return true;
    };
    let same = Child {
        version: known.version,
        ..child.clone()
    } == *known;
    !same && (known.uid != child.uid || known.version < child.version)
}

fn key(object: &DynamicObject) -> Key {
    Key {
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

fn sibling(key: &Key, name: &str) -> Key {
    Key {
        namespace: key.namespace.clone(),
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests;
