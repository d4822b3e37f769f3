//! What the database knows of its keys: one record, whose parts are sealed, so that whoever can write to the database
//! cannot make one up.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::form::{self, AssociatedData, Field, Form, Unreadable};
use super::keyring::{Key, Keyring};

/// Name of the record.
pub(super) const NAME: &str = "encryption";

/// As it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Every key that ever wrote, by id, with the time of its first use, sealed by itself: it proves the key.
    pub(super) keys: BTreeMap<String, String>,
    /// A [`State`], sealed by the key that wrote it.
    state: String,
}

/// How far the encryption of the database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Texts that are not sealed may be from before encryption was switched on.
    pub(super) plaintext: bool,
    /// Every text is sealed by this key; none while it is not known.
    pub(super) settled: Option<String>,
    /// When a process that may have changed that has started, in seconds since 1970.
    pub(super) since: i64,
}

const STATE: AssociatedData<'static> = AssociatedData {
    session: "",
    field: Field::State,
    of: "",
};

impl Record {
    pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        serde_json::from_slice(bytes)
            .context("the record of the encryption of this database cannot be read")
    }

    pub(super) fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// When a key was used first; none if it never was.
    pub(super) fn first_used(&self, key: &Key) -> Result<Option<i64>, Unreadable> {
        let Some(stored) = self.keys.get(&key.id) else {
            return Ok(None);
        };
        let forged = || Unreadable::Forged(key.id.clone());
        let Form::Sealed { key: id, body } = form::parse(stored) else {
            return Err(forged());
        };
        let text = key.open(&check(&key.id), body).filter(|_| id == key.id);
        let first_used = text.and_then(|text| text.parse().ok());
        first_used.map(Some).ok_or_else(forged)
    }

    /// Notes the first use of a key that was never used.
    pub(super) fn add(&mut self, key: &Key, now: Timestamp) -> anyhow::Result<()> {
        if !self.keys.contains_key(&key.id) {
            let first_used = now.as_second().to_string();
            let sealed = key.seal(&check(&key.id), &first_used)?;
            self.keys.insert(key.id.clone(), sealed);
        }
        Ok(())
    }

    pub(super) fn state(&self, keyring: &Keyring) -> Result<State, Unreadable> {
        let text = keyring.open(&STATE, &self.state, false)?;
        serde_json::from_str(&text).map_err(|_| Unreadable::UnknownForm)
    }

    /// Id of the key that has sealed the state.
    pub(super) fn writer(&self) -> Option<&str> {
        match form::parse(&self.state) {
            Form::Sealed { key, .. } => Some(key),
            Form::Plain(_) | Form::Unknown => None,
        }
    }

    pub(super) fn set_state(&mut self, keyring: &Keyring, state: &State) -> anyhow::Result<()> {
        self.state = keyring.seal(&STATE, &serde_json::to_string(state)?)?;
        Ok(())
    }
}

impl State {
    /// Ids of the keys that texts may be sealed by.
    pub(super) fn needed<'a>(&'a self, record: &'a Record) -> Vec<&'a str> {
        match &self.settled {
            Some(key) => vec![key],
            None => record.keys.keys().map(String::as_str).collect(),
        }
    }
}

fn check(key: &str) -> AssociatedData<'_> {
    AssociatedData {
        session: "",
        field: Field::Check,
        of: key,
    }
}
