//! The namespaces that are being deleted. Pure.
//!
//! Rule: when the API server has rejected a write because a namespace is being deleted, the Chatboxes in it are left alone
//! until they are deleted too. They are known by their uids: a namespace that is created again has other Chatboxes. A new
//! list of Chatboxes starts over.

use std::collections::{HashMap, HashSet};

use crate::stored::Stored;

/// The uids of the Chatboxes in each namespace that is being deleted.
#[derive(Debug, Default)]
pub struct TerminatingNamespaces(HashMap<String, HashSet<String>>);

impl TerminatingNamespaces {
    /// Whether the namespace of a Chatbox is being deleted.
    pub fn contain(&self, chatbox: &Stored) -> bool {
        let chatboxes = self.0.get(&chatbox.namespaced_name.namespace);
        chatboxes.is_some_and(|uids| uids.contains(&chatbox.uid))
    }

    /// Takes in that a namespace with these Chatboxes is being deleted.
    pub fn insert(&mut self, namespace: &str, uids: HashSet<String>) {
        self.0.insert(namespace.to_owned(), uids);
    }

    /// Drops a Chatbox that is deleted.
    pub fn forget(&mut self, chatbox: &Stored) {
        let namespace = &chatbox.namespaced_name.namespace;
        if let Some(uids) = self.0.get_mut(namespace) {
            uids.remove(&chatbox.uid);
            if uids.is_empty() {
                self.0.remove(namespace);
            }
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::fixtures::stored;

    use super::*;

    #[test]
    fn a_chatbox_is_left_alone_until_it_is_deleted_and_its_successor_is_not() {
        let chatbox = stored();
        let successor = Stored {
            uid: "u-9".to_owned(),
            ..stored()
        };
        let mut namespaces = TerminatingNamespaces::default();
        assert!(!namespaces.contain(&chatbox));
        namespaces.insert("shop", HashSet::from([chatbox.uid.clone()]));
        assert!(namespaces.contain(&chatbox));
        assert!(!namespaces.contain(&successor));
        namespaces.forget(&chatbox);
        assert!(!namespaces.contain(&chatbox));
        assert!(namespaces.0.is_empty());
    }
}
