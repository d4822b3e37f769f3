//! What the operator says about a Chatbox.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Summary: the generation that was last seen is rolled out and serves.
pub const READY: &str = "Ready";
/// The operator is at work on it (true only then, as kstatus wants it).
pub const RECONCILING: &str = "Reconciling";
/// Nothing will change until somebody mends the resource or the cluster (true only then, as kstatus wants it).
pub const STALLED: &str = "Stalled";
/// `spec.config` and the rest of the spec can be served.
pub const CONFIG_VALID: &str = "ConfigValid";
/// Every Secret key that the spec names exists and can be used.
pub const SECRETS_RESOLVED: &str = "SecretsResolved";

/// What the operator says about a Chatbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatboxStatus {
    /// The generation of the spec that the rest of the status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reconciling`, `Stalled`, `ConfigValid`, `SecretsResolved`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Address of the chat page inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pods that exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Pods that take traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// Label selector of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// Image that the pods run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Names the config and the secret values that the pods run with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_hash: Option<String>,
}
