//! The status of a Chatbox.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The generation in `observedGeneration` is rolled out and serves.
pub const READY: &str = "Ready";
/// The operator is still reconciling. Listed only while true, as kstatus expects.
pub const RECONCILING: &str = "Reconciling";
/// No progress without a change to the resource or the cluster. Listed only while true, as kstatus expects.
pub const STALLED: &str = "Stalled";
/// The spec is valid.
pub const CONFIG_VALID: &str = "ConfigValid";
/// Every Secret key that the spec references exists and is usable.
pub const SECRETS_RESOLVED: &str = "SecretsResolved";

/// The claim and the generated keys have the owner that `spec.deletionPolicy` of this generation asks for.
pub const DELETION_POLICY_APPLIED: &str = "DeletionPolicyApplied";
/// The claim is as the spec asks. Listed only while it is not, as while it has not grown yet; no other change waits for that,
/// and a Chatbox that serves is `Ready` all the same.
pub const VOLUME_AS_SPECIFIED: &str = "VolumeAsSpecified";

/// The observed state of a Chatbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatboxStatus {
    /// The generation of the spec that the rest of the status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reconciling`, `Stalled`, `ConfigValid`, `SecretsResolved`, `DeletionPolicyApplied`,
    /// `VolumeAsSpecified`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Address of the chat page inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Number of pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Number of ready pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// Image of the pods, or of the last ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Digest of the config and of the secret values that the pods use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_hash: Option<String>,
}
