//! Which Chatbox names which Secret, so that a Secret wakes exactly those that name it.

use std::collections::{BTreeSet, HashMap};

use kube::runtime::watcher::Event;

use crate::guarded::GuardedChatbox;
use crate::namespaced_name::NamespacedName;
use crate::observed;
use crate::validate;

/// Which Chatbox names which Secret.
#[derive(Debug, Default)]
pub struct References {
    chatboxes: HashMap<NamespacedName, Entry>,
    /// A list that is under way: it replaces the above when it is complete.
    listed: HashMap<NamespacedName, Entry>,
    /// Chatboxes by Secret.
    by_secret: HashMap<NamespacedName, BTreeSet<NamespacedName>>,
}

#[derive(Debug, PartialEq)]
struct Entry {
    uid: String,
    generation: i64,
    deleting: bool,
    secrets: BTreeSet<String>,
}

impl References {
    /// Takes in what the watch on Chatboxes reports, and says which of them must be looked at: those whose spec
    /// changed. A label, or our own write of the status, is no reason.
    pub fn observe(&mut self, event: &Event<GuardedChatbox>) -> BTreeSet<NamespacedName> {
        match event {
            Event::Init => {
                self.listed.clear();
                BTreeSet::new()
            }
            Event::InitApply(watched) => {
                self.listed
                    .insert(watched.namespaced_name(), Entry::new(watched));
                BTreeSet::new()
            }
            Event::InitDone => self.replace(),
            Event::Apply(watched) => {
                let (key, entry) = (watched.namespaced_name(), Entry::new(watched));
                if self.chatboxes.get(&key) == Some(&entry) {
                    return BTreeSet::new();
                }
                self.remove(&key);
                self.insert(key.clone(), entry);
                BTreeSet::from([key])
            }
            Event::Delete(watched) => {
                self.remove(&watched.namespaced_name());
                BTreeSet::new()
            }
        }
    }

    /// The Chatboxes that name this Secret.
    pub fn naming(&self, secret: &NamespacedName) -> BTreeSet<NamespacedName> {
        self.by_secret.get(secret).cloned().unwrap_or_default()
    }

    /// Every Chatbox that names a Secret.
    pub fn all(&self) -> BTreeSet<NamespacedName> {
        self.by_secret.values().flatten().cloned().collect()
    }

    fn replace(&mut self) -> BTreeSet<NamespacedName> {
        self.chatboxes.clear();
        self.by_secret.clear();
        let listed = std::mem::take(&mut self.listed);
        let keys = listed.keys().cloned().collect();
        for (key, entry) in listed {
            self.insert(key, entry);
        }
        keys
    }

    fn insert(&mut self, key: NamespacedName, entry: Entry) {
        for secret in &entry.secrets {
            self.by_secret
                .entry(of(&key, secret))
                .or_default()
                .insert(key.clone());
        }
        self.chatboxes.insert(key, entry);
    }

    fn remove(&mut self, key: &NamespacedName) {
        let Some(entry) = self.chatboxes.remove(key) else {
            return;
        };
        for secret in entry.secrets {
            let secret = of(key, &secret);
            if let Some(naming) = self.by_secret.get_mut(&secret) {
                naming.remove(key);
                if naming.is_empty() {
                    self.by_secret.remove(&secret);
                }
            }
        }
    }
}

impl Entry {
    fn new(watched: &GuardedChatbox) -> Self {
        let name = watched.namespaced_name().name;
        let spec = watched.spec.as_ref().ok();
        let config = spec.map(|spec| validate::effective(&name, spec));
        Self {
            uid: watched.uid().to_owned(),
            generation: watched.generation(),
            deleting: watched.metadata.deletion_timestamp.is_some(),
            secrets: config
                .map(|config| observed::names_of(&config))
                .unwrap_or_default(),
        }
    }
}

fn of(chatbox: &NamespacedName, secret: &str) -> NamespacedName {
    NamespacedName {
        namespace: chatbox.namespace.clone(),
        name: secret.to_owned(),
    }
}

#[cfg(test)]
mod tests;
