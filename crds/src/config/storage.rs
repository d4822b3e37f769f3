//! Where sessions and messages are stored.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Where sessions and messages are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.sqlite)",
    "message": "sqlite must be set: it is the one storage of this release"
}]))]
pub struct Storage {
    /// A database file on a volume of the pod: for one replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub sqlite: Option<Sqlite>,
}

/// A database file on a volume of the pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct Sqlite {
    /// The volume that holds the file. Outside Kubernetes the server uses its data directory.
    #[serde(default)]
    #[garde(dive)]
    pub volume: Volume,
}

/// The volume of a database file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "[has(self.claim), has(self.emptyDir)].filter(x, x).size() == 1",
        "message": "exactly one of claim, emptyDir must be set"
    },
    {
        "rule": "has(self.claim) == has(oldSelf.claim)",
        "message": "the kind of volume cannot be changed: the messages would be left behind"
    }
]))]
pub struct Volume {
    /// A `PersistentVolumeClaim` that the operator creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub claim: Option<Claim>,
    /// Space on the node that is deleted with the pod: for trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub empty_dir: Option<EmptyDir>,
}

/// A `PersistentVolumeClaim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Size of the volume, as text in whole units: `10Gi`, not `10` or `1.5Gi`. It can grow where its storage class allows
    /// that, and never shrinks: a volume that is larger stays as it is. The condition `VolumeAsSpecified` says so, and why one
    /// has not grown.
    #[serde(default = "default_size")]
    #[garde(
        length(chars, min = 1, max = 20),
        pattern("^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$")
    )]
    pub size: String,
    /// Storage class. Left out: the cluster's default, or the one that the claim has. Empty: none, which means a volume that
    /// somebody provides. The class of a claim that exists stays, and the condition `VolumeAsSpecified` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(
        length(chars, max = 253),
        pattern("^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")
    )]
    pub storage_class_name: Option<String>,
}

/// Space on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct EmptyDir {
    /// The pod is evicted when it uses more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(
        length(chars, min = 1, max = 20),
        pattern("^[1-9][0-9]*(Ki|Mi|Gi|Ti|k|M|G|T)?$")
    )]
    pub size_limit: Option<String>,
}

impl Default for Volume {
    fn default() -> Self {
        let claim = Claim {
            size: default_size(),
            storage_class_name: None,
        };
        Self {
            claim: Some(claim),
            empty_dir: None,
        }
    }
}

fn default_size() -> String {
    "1Gi".to_owned()
}

impl Storage {
    pub(super) fn check(&self) -> Vec<Problem> {
        let Some(sqlite) = &self.sqlite else {
            let message = "sqlite must be set: it is the one storage of this release";
            return vec![Problem::new("storage", message)];
        };
        if sqlite.volume.claim.is_some() == sqlite.volume.empty_dir.is_some() {
            let message = "exactly one of claim, emptyDir must be set";
            return vec![Problem::new("storage.sqlite.volume", message)];
        }
        Vec::new()
    }
}
