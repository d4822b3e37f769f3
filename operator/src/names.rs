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

/// Whether a ConfigMap has a name that [`config_map`] makes.
pub fn is_config_map(chatbox: &str, name: &str) -> bool {
    let hash = name.strip_prefix(config_map(chatbox, "").as_str());
    hash.is_some_and(|hash| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
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

    #[test]
    fn a_config_map_is_known_by_its_name() {
        let made = config_map("x", "0123456789abcdef");
        for (name, expected) in [
            (made.as_str(), true),
            ("x-chatbox-config-", false),
            ("x-chatbox-config-copy", false),
            ("y-chatbox-config-0123456789abcdef", false),
            ("x-chatbox-config-0123456789abcdef-old", false),
        ] {
            assert_eq!(is_config_map("x", name), expected, "{name}");
        }
    }
}
