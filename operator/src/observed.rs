//! What a Chatbox refers to, as values: read by `observe` from the cluster, or by `render` from a file. Pure.

use crate::claim::LiveClaim;
use crate::secrets::{ResolvedSecrets, SigningKey};

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
    /// A new signing key, when one is needed and there is none yet.
    pub new_key: Option<SigningKey>,
}

/// The config of the pods that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningConfig {
    pub config_map: String,
    /// `Config::hash` of its document as this release parses it.
    pub hash: String,
}
