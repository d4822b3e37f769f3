//! The Secrets that each Chatbox references, and what they were resolved to.
//!
//! Rule: a result is used until [`MAX_AGE`], for as long as the spec is the one that it was computed for, and the watch
//! has reported no version of a referenced Secret other than the one that was read. Then no Secret is read again. Versions
//! go back when the cluster is restored from a backup: what was resolved from a later one is dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use kube::runtime::watcher::Event;

use super::cached_object::CachedObject;
use crate::guarded::GuardedChatbox;
use crate::namespaced_name::NamespacedName;
use crate::secrets::{self, ResolvedSecrets};
use crate::stored::Stored;

/// A result that is as old is no longer used: the Secrets are read again, in case that the watch has missed a change.
pub const MAX_AGE: Duration = Duration::from_hours(1);

/// The version of a Secret; none when it does not exist.
pub type Version = Option<SecretVersion>;

/// Which of the objects of one name, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    pub uid: String,
    pub version: u64,
}

/// What the Secrets of a Chatbox were resolved to.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The versions that were read, by name.
    pub versions: BTreeMap<String, Version>,
    pub secrets: ResolvedSecrets,
    /// The Secrets with generated keys that exist, by name.
    pub generated: Vec<(String, CachedObject)>,
}

/// The Secrets that each Chatbox references.
#[derive(Debug, Default)]
pub struct References {
    chatboxes: HashMap<NamespacedName, Entry>,
    secrets: HashMap<NamespacedName, Referenced>,
    /// Chatboxes of a list that is under way.
    listed_chatboxes: HashMap<NamespacedName, Revision>,
    /// Secrets that were referenced when the list that is under way began, and that it has not contained so far.
    unlisted_secrets: HashSet<NamespacedName>,
}

#[derive(Debug)]
struct Entry {
    revision: Revision,
    resolution: Option<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    resolution: Resolution,
    at: Instant,
}

/// Tells whether a Chatbox has changed.
#[derive(Debug)]
struct Revision {
    uid: Option<String>,
    generation: Option<i64>,
    /// Not compared, see [`Revision::is_same`].
    version: u64,
    terminating: bool,
    secrets: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Referenced {
    by: BTreeSet<NamespacedName>,
    /// The version that the watch has reported last; none before it has reported one.
    reported: Option<Version>,
}

impl References {
    /// Takes in an event of the watch on Chatboxes, and returns those whose spec changed.
    pub fn observe_chatbox(&mut self, event: &Event<GuardedChatbox>) -> BTreeSet<NamespacedName> {
        match event {
            Event::Init => {
                self.listed_chatboxes.clear();
                BTreeSet::new()
            }
            Event::InitApply(chatbox) => {
                let key = chatbox.namespaced_name();
                self.listed_chatboxes.insert(key, Revision::of(chatbox));
                BTreeSet::new()
            }
            Event::InitDone => self.replace(),
            Event::Apply(chatbox) => {
                let key = chatbox.namespaced_name();
                let is_changed = self.put(key.clone(), Revision::of(chatbox));
                is_changed.then_some(key).into_iter().collect()
            }
            Event::Delete(chatbox) => {
                self.remove(&chatbox.namespaced_name());
                BTreeSet::new()
            }
        }
    }

    /// Takes in an event of the watch on the metadata of Secrets, and returns the Chatboxes that reference one that
    /// changed. Nothing is kept of a Secret that nobody references.
    pub fn observe_secret(&mut self, event: &Event<Stored>) -> BTreeSet<NamespacedName> {
        match event {
            Event::Init => {
                // One that is referenced only later may have been on a page that has passed: of it, the list says nothing.
                self.unlisted_secrets = self.secrets.keys().cloned().collect();
                BTreeSet::new()
            }
            Event::InitApply(secret) => {
                self.unlisted_secrets.remove(&secret.namespaced_name);
                self.report(&secret.namespaced_name, Some(version(secret)))
            }
            Event::InitDone => {
                let absent = std::mem::take(&mut self.unlisted_secrets);
                absent
                    .iter()
                    .flat_map(|name| self.report(name, None))
                    .collect()
            }
            Event::Apply(secret) => self.report(&secret.namespaced_name, Some(version(secret))),
            Event::Delete(secret) => self.report(&secret.namespaced_name, None),
        }
    }

    /// What the Secrets of a Chatbox were resolved to, if that still holds.
    pub fn resolution(
        &self,
        chatbox: &Stored,
        generation: Option<i64>,
        now: Instant,
    ) -> Option<&Resolution> {
        let key = &chatbox.namespaced_name;
        let entry = self.chatboxes.get(key)?;
        let Resolved { resolution, at } = entry.resolution.as_ref()?;
        let is_current = |(name, read): (&String, &Version)| {
            let reported = self.secrets.get(&key.sibling(name))?.reported.as_ref();
            Some(reported.is_none_or(|reported| is_as_new(read.as_ref(), reported.as_ref())))
        };
        let holds = now.duration_since(*at) < MAX_AGE
            && entry.revision.is(chatbox, generation)
            && resolution
                .versions
                .iter()
                .all(|pair| is_current(pair) == Some(true));
        holds.then_some(resolution)
    }

    /// Remembers what the Secrets of a Chatbox were resolved to, unless the Chatbox has changed meanwhile. `at` is an
    /// instant before they were read.
    pub fn remember(
        &mut self,
        chatbox: &Stored,
        generation: Option<i64>,
        resolution: Resolution,
        at: Instant,
    ) {
        let entry = self.chatboxes.get_mut(&chatbox.namespaced_name);
        if let Some(entry) = entry.filter(|entry| entry.revision.is(chatbox, generation)) {
            entry.resolution = Some(Resolved { resolution, at });
        }
    }

    /// Forgets what the Secrets of a Chatbox were resolved to, because we have just written one of them.
    pub fn forget_resolution(&mut self, chatbox: &NamespacedName) {
        if let Some(entry) = self.chatboxes.get_mut(chatbox) {
            entry.resolution = None;
        }
    }

    /// The uids of the Chatboxes of a namespace.
    pub fn uids_in(&self, namespace: &str) -> HashSet<String> {
        let chatboxes = self.chatboxes.iter();
        let there = chatboxes.filter(|(key, _)| key.namespace == namespace);
        there
            .filter_map(|(_, entry)| entry.revision.uid.clone())
            .collect()
    }

    /// The uids of every Chatbox.
    pub fn uids(&self) -> HashSet<String> {
        let chatboxes = self.chatboxes.values();
        chatboxes
            .filter_map(|entry| entry.revision.uid.clone())
            .collect()
    }

    /// Every Chatbox.
    pub fn chatboxes(&self) -> BTreeSet<NamespacedName> {
        self.chatboxes.keys().cloned().collect()
    }

    fn report(&mut self, secret: &NamespacedName, version: Version) -> BTreeSet<NamespacedName> {
        let Some(referenced) = self.secrets.get_mut(secret) else {
            return BTreeSet::new();
        };
        if referenced.reported.as_ref() == Some(&version) {
            return BTreeSet::new();
        }
        let by = referenced.by.clone();
        let is_back = has_gone_back(referenced.reported.as_ref(), &version);
        referenced.reported = Some(version);
        if is_back {
            for chatbox in &by {
                self.forget_resolution(chatbox);
            }
        }
        by
    }

    /// Makes a complete list of the Chatboxes the known ones.
    fn replace(&mut self) -> BTreeSet<NamespacedName> {
        let listed = std::mem::take(&mut self.listed_chatboxes);
        let known = self.chatboxes.keys();
        let gone: Vec<_> = known
            .filter(|key| !listed.contains_key(key))
            .cloned()
            .collect();
        for key in gone {
            self.remove(&key);
        }
        let keys = listed.keys().cloned().collect();
        for (key, revision) in listed {
            self.put(key, revision);
        }
        keys
    }

    fn put(&mut self, key: NamespacedName, revision: Revision) -> bool {
        if let Some(entry) = self.chatboxes.get_mut(&key)
            && entry.revision.is_same(&revision)
        {
            entry.revision = revision;
            return false;
        }
        self.remove(&key);
        for secret in &revision.secrets {
            let referenced = self.secrets.entry(key.sibling(secret)).or_default();
            referenced.by.insert(key.clone());
        }
        let entry = Entry {
            revision,
            resolution: None,
        };
        self.chatboxes.insert(key, entry);
        true
    }

    fn remove(&mut self, key: &NamespacedName) {
        let Some(entry) = self.chatboxes.remove(key) else {
            return;
        };
        for secret in entry.revision.secrets {
            let secret = key.sibling(&secret);
            if let Some(referenced) = self.secrets.get_mut(&secret) {
                referenced.by.remove(key);
                if referenced.by.is_empty() {
                    self.secrets.remove(&secret);
                }
            }
        }
    }
}

impl Revision {
    fn of(chatbox: &GuardedChatbox) -> Self {
        let name = &chatbox.namespaced_name().name;
        let spec = chatbox.spec.as_ref().ok();
        Self {
            uid: chatbox.metadata.uid.clone(),
            generation: chatbox.metadata.generation,
            version: chatbox.stored().map_or(0, |stored| stored.version),
            terminating: chatbox.is_terminating(),
            secrets: spec
                .map(|spec| secrets::names(&secrets::effective_config(name, spec)))
                .unwrap_or_default(),
        }
    }

    /// Whether a later event has told of no change: a label, or our own write of the status, is none. An earlier version
    /// comes from a backup, and may have another spec of the same generation.
    fn is_same(&self, later: &Self) -> bool {
        self.uid == later.uid
            && self.generation == later.generation
            && self.terminating == later.terminating
            && self.secrets == later.secrets
            && self.version <= later.version
    }

    fn is(&self, chatbox: &Stored, generation: Option<i64>) -> bool {
        self.uid.as_ref() == Some(&chatbox.uid) && self.generation == generation
    }
}

fn version(secret: &Stored) -> SecretVersion {
    SecretVersion {
        uid: secret.uid.clone(),
        version: secret.version,
    }
}

/// Whether the same Secret is reported at an earlier version than before.
fn has_gone_back(before: Option<&Version>, now: &Version) -> bool {
    let (Some(Some(before)), Some(now)) = (before, now) else {
        return false;
    };
    before.uid == now.uid && before.version > now.version
}

/// A read may be newer than what the watch has reported, never the other way round for long.
fn is_as_new(read: Option<&SecretVersion>, reported: Option<&SecretVersion>) -> bool {
    match (read, reported) {
        (Some(read), Some(reported)) => {
            read.uid == reported.uid && read.version >= reported.version
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests;
