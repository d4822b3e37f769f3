//! What a Chatbox refers to, as values: read by `observe` from the cluster, or by `render` from a file. Pure.

use crate::claim::LiveClaim;
use crate::secrets::{Generated, GeneratedKey, ResolvedSecrets};

/// What a Chatbox refers to, and what runs for it.
#[derive(Debug, Default)]
pub struct Observed {
    /// Image of the chat server that belongs to this release of the operator.
    pub release_image: String,
    /// Image that the operator has chosen before.
    pub chosen_image: Option<String>,
    /// Config of the pods that exist.
    pub running_config: Option<RunningConfig>,
    /// The claim, if it exists.
    pub claim: Option<LiveClaim>,
    pub secrets: ResolvedSecrets,
    pub new_keys: NewKeys,
}

/// New keys, of those that are needed and do not exist yet.
#[derive(Clone, Debug, Default)]
pub struct NewKeys {
    pub signing: Option<GeneratedKey>,
    pub encryption: Option<GeneratedKey>,
}

impl NewKeys {
    pub fn is_empty(&self) -> bool {
        self.signing.is_none() && self.encryption.is_none()
    }

    pub fn get(&self, generated: Generated) -> Option<&GeneratedKey> {
        match generated {
            Generated::Signing => self.signing.as_ref(),
            Generated::Encryption => self.encryption.as_ref(),
        }
    }

    pub fn set(&mut self, generated: Generated, key: GeneratedKey) {
        match generated {
            Generated::Signing => self.signing = Some(key),
            Generated::Encryption => self.encryption = Some(key),
        }
    }
}

/// The config of the pods that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningConfig {
    pub config_map: String,
    /// `Config::hash` of its document as this release parses it.
    pub hash: String,
}
