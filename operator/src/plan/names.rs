//! What the objects of a Chatbox are called. Every name is the Chatbox's plus a suffix, so that it meets no object
//! that somebody named after the same thing; the longest fits into 63 characters.

use crds::SecretRef;
use crds::runtime::SIGNING_KEY;

/// The Deployment, the Service and the ServiceAccount.
pub fn app(chatbox: &str) -> String {
    format!("{chatbox}-chatbox")
}

/// The Secret with the generated keys.
pub fn keys(chatbox: &str) -> String {
    format!("{chatbox}-chatbox-keys")
}

/// The generated key that signs tokens.
pub fn signing_key(chatbox: &str) -> SecretRef {
    SecretRef {
        name: keys(chatbox),
        key: SIGNING_KEY.to_owned(),
    }
}

/// The PersistentVolumeClaim.
pub fn data(chatbox: &str) -> String {
    format!("{chatbox}-chatbox-data")
}

/// The ConfigMap of one content. A pod names the content that it was made for, so it can never start with another
/// one, however an update is cut short.
pub fn config_map(chatbox: &str, hash: &str) -> String {
    format!("{chatbox}-chatbox-config-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_fits_into_a_label() {
        let longest = "x".repeat(crds::chatbox::NAME_MAX);
        for name in [app(&longest), keys(&longest), data(&longest)] {
            assert!(name.len() <= 63, "{name}");
        }
    }
}
