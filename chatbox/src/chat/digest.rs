//! Recognises the same content again without reading it: a store may hold it encrypted, each time to other bytes.

use std::fmt;

use aws_lc_rs::hmac;

/// Key of the digests of one store. Without it, a digest says nothing about the content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestKey([u8; 32]);

/// HMAC-SHA-256 of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl DigestKey {
    pub fn random() -> Self {
        // Not the generator of aws-lc: its first use takes 20 ms, which would triple the time to start.
        Self(rand::random())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key itself, for the store that keeps it.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn digest(&self, content: &str) -> Digest {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, content.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        Digest(bytes)
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(…)")
    }
}

impl Digest {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_key_and_content() {
        let (one, two) = (DigestKey::random(), DigestKey::random());
        assert_eq!(one.digest("a"), one.digest("a"));
        assert_ne!(one.digest("a"), one.digest("b"));
        assert_ne!(one.digest("a"), two.digest("a"));
        assert_eq!(format!("{one:?}"), "DigestKey(…)");
    }

    #[test]
    fn a_store_gets_back_what_it_kept() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(DigestKey::from_bytes(bytes).as_bytes(), &bytes);
        assert_eq!(Digest::from_bytes(bytes).as_bytes(), &bytes);
    }
}
