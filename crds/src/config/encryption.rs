//! What is encrypted before it is stored, and with which keys.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Use;
use crate::{Problem, SecretRef};

/// Encrypts messages, names of sessions and what else people and models write (AES-256-GCM) before it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// The first key encrypts, every key decrypts. Left out: the operator generates a key, with the id `generated`. What
    /// another key has encrypted is encrypted again with the first one in the background; `chatbox rekey --verify` says when
    /// a key may be removed. Removed earlier, the server does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(min = 1, max = 8), dive)]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["id"],
        "x-kubernetes-validations" = [{
            "rule": "self.all(a, self.exists_one(b, a.secret == b.secret))",
            "message": "each secret key must be named once"
        }]
    ))]
    pub keys: Option<Vec<EncryptionKey>>,
}

/// A key of 256 bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionKey {
    /// What stored values call it: lower-case letters, digits and `-`. It stands for this one key for ever; a new key gets a
    /// new id.
    #[garde(
        length(chars, min = 1, max = 32),
        pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub id: String,
    /// 32 random bytes: as they are, as 64 hexadecimal digits (`openssl rand -hex 32`), or as base64. White space around
    /// digits and base64 is ignored; text and patterns are refused.
    #[garde(dive)]
    pub secret: SecretRef,
}

impl Encryption {
    /// The keys; none before the operator has put the generated one in their place.
    pub fn keys(&self) -> &[EncryptionKey] {
        self.keys.as_deref().unwrap_or_default()
    }

    /// Every secret key that it references, with the path of the referencing field.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (String, &SecretRef, Use)> {
        self.keys().iter().enumerate().map(|(index, key)| {
            let path = format!("encryption.keys[{index}].secret");
            (path, &key.secret, Use::Encryption)
        })
    }

    pub(super) fn check(&self) -> Vec<Problem> {
        let keys = self.keys();
        let mut problems = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let earlier = &keys[..index];
            if earlier.iter().any(|earlier| earlier.id == key.id) {
                let message = "is the id of an earlier entry; give each key an id of its own";
                problems.push(Problem::new(
                    format!("encryption.keys[{index}].id"),
                    message,
                ));
            }
            if earlier.iter().any(|earlier| earlier.secret == key.secret) {
                let message = "is named by an earlier entry; name each key once";
                let field = format!("encryption.keys[{index}].secret");
                problems.push(Problem::new(field, message));
            }
        }
        problems
    }
}
