//! The keys of a document, and one text to its stored form and back.
//!
//! AES-256-GCM with random nonces. A key of the document encrypts nothing itself: each session has a key derived from it
//! (HKDF-SHA-256), so the limit of NIST SP 800-38D, section 8.3, of 2^32 messages under one key with random nonces, holds
//! for a session and not for the database. A session that kept a checkpoint each second would reach it in 136 years, so
//! nobody counts.
//!
//! GCM does not commit to its key: whoever knows two keys can make one ciphertext that both decrypt. That gains nothing
//! here, because a text is tried with the one key that it names, which is part of its associated data.

use std::path::Path;

use anyhow::{anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use crds::config;

use super::form::{self, AssociatedData, Form, NONCE, Unreadable};
use crate::secrets;

/// Separates these keys from others that may be derived from the same value one day.
const SALT: &[u8] = b"chatbox encryption";
const INFO: &[u8] = b"session key 1\0";

/// The keys by which texts are read. The first one writes; without any nothing is sealed.
#[derive(Clone)]
pub struct Keyring(Vec<Key>);

#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: String,
    /// Where it comes from, for people.
    pub(super) source: String,
    prk: Prk,
}

impl Keyring {
    /// The keys that a document names.
    ///
    /// # Errors
    /// When one cannot be read, or two have the same value; the error names it and never its value.
    pub fn load(encryption: Option<&config::Encryption>, root: &Path) -> anyhow::Result<Self> {
        let keys = encryption.map_or(&[][..], config::Encryption::keys);
        let mut loaded = Vec::new();
        let mut values = Vec::new();
        for key in keys {
            let value = secrets::read_encryption_key(root, &key.secret)?;
            ensure!(
                !values.contains(&value),
                "the encryption key {:?} ({}) has the value of an earlier one; a new key needs a new value",
                key.id,
                key.secret
            );
            loaded.push(Key::new(&key.id, key.secret.to_string(), &value));
            values.push(value);
        }
        Ok(Self(loaded))
    }

    /// Whether nothing is sealed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids of the keys; the first one writes.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Keys with these ids.
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, [u8; 32])>) -> Self {
        let key = |(id, value): (&str, [u8; 32])| Key::new(id, format!("{id:?}"), &value);
        Self(keys.into_iter().map(key).collect())
    }

    pub(super) fn first(&self) -> Option<&Key> {
        self.0.first()
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.0
    }

    pub(super) fn get(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }

    /// The stored form of a text: sealed by the first key, if there is one.
    pub(super) fn seal(&self, of: &AssociatedData<'_>, text: &str) -> anyhow::Result<String> {
        match self.first() {
            None => Ok(form::plain(text.to_owned())),
            Some(key) => key.seal(of, text),
        }
    }

    pub(super) fn open(
        &self,
        of: &AssociatedData<'_>,
        stored: &str,
        accepts_plaintext: bool,
    ) -> Result<String, Unreadable> {
        match form::parse(stored) {
            Form::Plain(text) if accepts_plaintext => Ok(text.to_owned()),
            Form::Plain(_) => Err(Unreadable::NotEncrypted),
            Form::Unknown => Err(Unreadable::UnknownForm),
            Form::Sealed { key: id, body } => {
                let key = self.get(id);
                let key = key.ok_or_else(|| Unreadable::UnknownKey(id.to_owned()))?;
                key.open(of, body)
                    .ok_or_else(|| Unreadable::Forged(id.to_owned()))
            }
        }
    }
}

impl Key {
    fn new(id: &str, source: String, value: &[u8; 32]) -> Self {
        Self {
            id: id.to_owned(),
            source,
            prk: Salt::new(HKDF_SHA256, SALT).extract(value),
        }
    }

    /// The stored form of a text, sealed by this key.
    pub(super) fn seal(&self, of: &AssociatedData<'_>, text: &str) -> anyhow::Result<String> {
        let seal = || -> Result<String, Unspecified> {
            let key = self.of_session(of.session)?;
            let mut sealed = text.as_bytes().to_vec();
            let aad = Aad::from(of.bytes(&self.id));
            let nonce = key.seal_in_place_append_tag(aad, &mut sealed)?;
            let body = [&nonce.as_ref()[..], &sealed].concat();
            Ok(form::sealed(&self.id, &body))
        };
        seal().map_err(|_| anyhow!("cannot encrypt a text with the key {:?}", self.id))
    }

    /// The text behind the body of its stored form; none if it is not one that this key has sealed for this place.
    pub(super) fn open(&self, of: &AssociatedData<'_>, body: &str) -> Option<String> {
        let (nonce, mut sealed) = form::body(body)?;
        let nonce: &[u8; NONCE] = &nonce;
        let key = self.of_session(of.session).ok()?;
        let aad = Aad::from(of.bytes(&self.id));
        let text = key
            .open_in_place(Nonce::from(nonce), aad, &mut sealed)
            .ok()?;
        let length = text.len();
        sealed.truncate(length);
        String::from_utf8(sealed).ok()
    }

    fn of_session(&self, session: &str) -> Result<RandomizedNonceKey, Unspecified> {
        let info = [INFO, session.as_bytes()];
        let mut bytes = [0; 32];
        self.prk.expand(&info, &AES_256_GCM)?.fill(&mut bytes)?;
        RandomizedNonceKey::new(&AES_256_GCM, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Field;
    use super::*;

    const OF: AssociatedData<'static> = AssociatedData {
        session: "s",
        field: Field::Content,
        of: "m",
    };

    fn keyring(ids: &[(&'static str, u8)]) -> Keyring {
        Keyring::new(ids.iter().map(|(id, byte)| (*id, [*byte; 32])))
    }

    #[test]
    fn the_first_key_writes_and_every_key_reads() {
        let (old, both) = (keyring(&[("k1", 1)]), keyring(&[("k2", 2), ("k1", 1)]));
        for text in ["", "größe 😀", "enc:1:k1:AAAA"] {
            let (by_old, by_new) = (old.seal(&OF, text).unwrap(), both.seal(&OF, text).unwrap());
            assert!(by_old.starts_with("enc:1:k1:") && by_new.starts_with("enc:1:k2:"));
            for stored in [&by_old, &by_new] {
                assert_eq!(both.open(&OF, stored, false).as_deref(), Ok(text));
            }
            assert_eq!(
                old.open(&OF, &by_new, true),
                Err(Unreadable::UnknownKey("k2".to_owned()))
            );
            assert_ne!(by_new, both.seal(&OF, text).unwrap(), "a nonce of its own");
        }
    }

    #[test]
    fn a_text_belongs_to_its_session_message_field_and_key() {
        let keys = keyring(&[("k1", 1), ("k2", 1)]);
        let stored = keys.seal(&OF, "hello").unwrap();
        let forged = |id: &str| Err(Unreadable::Forged(id.to_owned()));
        for elsewhere in [
            AssociatedData { session: "t", ..OF },
            AssociatedData { of: "n", ..OF },
            AssociatedData {
                field: Field::Payload,
                ..OF
            },
        ] {
            assert_eq!(keys.open(&elsewhere, &stored, true), forged("k1"));
        }
        let renamed = stored.replace("k1", "k2");
        assert_eq!(keys.open(&OF, &renamed, true), forged("k2"));
        assert_eq!(keys.open(&OF, &stored, true).as_deref(), Ok("hello"));
    }

    #[test]
    fn no_byte_of_a_sealed_text_can_be_changed() {
        let keys = keyring(&[("k", 1)]);
        let stored = keys.seal(&OF, "hello").unwrap();
        let forged = Err(Unreadable::Forged("k".to_owned()));
        let body = "enc:1:k:".len();
        for at in body..stored.len() {
            let mut changed = stored.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(keys.open(&OF, &changed, true), forged, "{at}");
            assert_eq!(keys.open(&OF, &stored[..at], true), forged, "cut at {at}");
        }
    }

    #[test]
    fn what_is_not_sealed_is_read_only_while_it_may_be_older() {
        let (none, keys) = (keyring(&[]), keyring(&[("k", 1)]));
        let plain = none.seal(&OF, "enc:1:k:AAAA").unwrap();
        for keys in [&none, &keys] {
            assert_eq!(keys.open(&OF, &plain, true).as_deref(), Ok("enc:1:k:AAAA"));
        }
        let refused = Err(Unreadable::NotEncrypted);
        assert_eq!(keys.open(&OF, &plain, false), refused);
        assert_eq!(keys.open(&OF, "hello", false), refused);
        assert_eq!(
            none.open(&OF, &keys.seal(&OF, "hello").unwrap(), true),
            Err(Unreadable::UnknownKey("k".to_owned())),
            "a server without the key shows no ciphertext"
        );
        let newer = Err(Unreadable::UnknownForm);
        assert_eq!(keys.open(&OF, "enc:2:k:AAAA", true), newer);
    }
}
