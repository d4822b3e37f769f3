//! Names of the objects of a Chatbox. Every name is that of the Chatbox plus a suffix, so that it collides with no object
//! that somebody named after the same thing; the longest fits into the 63 characters of a label.

use crds::SecretRef;
use crds::config::EncryptionKey;
use crds::runtime::{ENCRYPTION_KEY, ENCRYPTION_KEY_ID, SIGNING_KEY};

/// Name of the container of the server.
pub const CONTAINER: &str = "chatbox";
/// The volume of the pod that holds the config.
pub const CONFIG_VOLUME: &str = "config";
/// The volume of the pod that holds the secrets.
pub const SECRETS_VOLUME: &str = "secrets";

/// Annotation of the Deployment: the image that the operator chose. The image of the container is no evidence, somebody
/// may have edited it.
pub const IMAGE_ANNOTATION: &str = "chatbox.dev/image";

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

/// The Secret with the generated encryption key. One of its own: whoever deletes the other one to have a new signing key must
/// not lose what is stored.
pub fn encryption(chatbox: &str) -> String {
    format!("{chatbox}-chatbox-encryption")
}

/// Whether a Secret of a Chatbox is [`encryption`].
pub fn is_encryption(secret: &str) -> bool {
    secret.ends_with("-chatbox-encryption")
}

/// The generated key that encrypts what is stored.
pub fn encryption_key(chatbox: &str) -> EncryptionKey {
    EncryptionKey {
        id: ENCRYPTION_KEY_ID.to_owned(),
        secret: SecretRef {
            name: encryption(chatbox),
            key: ENCRYPTION_KEY.to_owned(),
        },
    }
}

/// The PersistentVolumeClaim.
pub fn data(chatbox: &str) -> String {
    format!("{chatbox}-chatbox-data")
}

/// The ConfigMap of one content. A pod names the content that it was created for, so it can never start with another
/// one, wherever an update is interrupted.
pub fn config_map(chatbox: &str, hash: &str) -> String {
    format!("{chatbox}-chatbox-config-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_fits_into_a_label() {
        let longest = "x".repeat(crds::chatbox::NAME_MAX);
        for name in [app(&longest), keys(&longest), data(&longest), longest] {
            assert!(name.len() <= 63, "{name}");
        }
    }
}
