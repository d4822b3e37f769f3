//! References to secret keys, and the one rule that turns them into file paths.

use std::path::{Path, PathBuf};

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One key of one Secret in the namespace of the Chatbox.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Validate,
)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[garde(
        length(min = 1, max = 253),
        pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Key within the Secret.
    #[garde(length(min = 1, max = 253), pattern("^[-_a-zA-Z0-9][-._a-zA-Z0-9]*$"))]
    pub key: String,
}

impl SecretRef {
    /// Where the value lies below the directory of secrets: `<root>/<name>/<key>`.
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.name).join(&self.key)
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "key {:?} of secret {:?}", self.key, self.name)
    }
}
