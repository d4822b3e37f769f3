//! Where sessions and messages are stored.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Use;
use crate::{Problem, SecretRef};

/// Where sessions and messages are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "[has(self.sqlite), has(self.mongodb)].filter(x, x).size() == 1",
    "message": "exactly one of sqlite, mongodb must be set"
}, {
    "rule": "has(self.mongodb) == has(oldSelf.mongodb)",
    "message": "the kind of storage cannot be changed: the messages would be left behind"
}]))]
pub struct Storage {
    /// A database file on a volume of the pod: for one replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub sqlite: Option<Sqlite>,
    /// A MongoDB of yours, which must be a replica set; one member is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub mongodb: Option<MongoDb>,
}

/// A MongoDB replica set. Writes wait for a majority and its journal, and reads go to the primary, whatever the address
/// says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct MongoDb {
    /// Its address, with user and password: `mongodb://…` or `mongodb+srv://…`.
    #[garde(dive)]
    pub uri: SecretRef,
    /// Name of the database. Its user needs the role `readWrite` on it. It cannot be changed: the messages would be left
    /// behind.
    #[garde(
        length(chars, min = 1, max = 63),
        pattern("^[A-Za-z0-9_][A-Za-z0-9_-]*$")
    )]
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "self == oldSelf",
        "message": "the database cannot be changed: the messages would be left behind"
    }]))]
    pub database: String,
    /// Encrypts the connection. Left out: as the address says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub tls: Option<MongoDbTls>,
    /// Connections of a pod at most.
    #[serde(default = "default_pool_max")]
    #[garde(range(min = 2, max = 1000))]
    pub pool_max: i32,
    /// How long one operation may take, with every repetition, in seconds. After it the sender is told to try again.
    #[serde(default = "default_operation_seconds")]
    #[garde(range(min = 4, max = 60))]
    pub operation_seconds: i32,
}

/// How the connection to MongoDB is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct MongoDbTls {
    /// Certificates, as PEM, by which the server is trusted. Left out: those of the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub ca: Option<SecretRef>,
    /// Certificate and key of the client, as PEM in one value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub certificate: Option<SecretRef>,
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

fn default_pool_max() -> i32 {
    50
}

fn default_operation_seconds() -> i32 {
    5
}

impl Storage {
    /// Every secret key that it references, with the path of the referencing field.
    pub(super) fn secrets(&self) -> Vec<(String, &SecretRef, Use)> {
        let Some(mongodb) = &self.mongodb else {
            return Vec::new();
        };
        let tls = mongodb.tls.as_ref();
        let ca = tls.and_then(|tls| tls.ca.as_ref());
        let certificate = tls.and_then(|tls| tls.certificate.as_ref());
        [
            ("uri", Some(&mongodb.uri), Use::MongoDbUri),
            ("tls.ca", ca, Use::Pem),
            ("tls.certificate", certificate, Use::Pem),
        ]
        .into_iter()
        .filter_map(|(field, secret, use_)| {
            Some((format!("storage.mongodb.{field}"), secret?, use_))
        })
        .collect()
    }

    pub(super) fn check(&self) -> Vec<Problem> {
        if self.sqlite.is_some() == self.mongodb.is_some() {
            let message = "exactly one of sqlite, mongodb must be set";
            return vec![Problem::new("storage", message)];
        }
        let volume = self.sqlite.as_ref().map(|sqlite| &sqlite.volume);
        if volume.is_some_and(|volume| volume.claim.is_some() == volume.empty_dir.is_some()) {
            let message = "exactly one of claim, emptyDir must be set";
            return vec![Problem::new("storage.sqlite.volume", message)];
        }
        Vec::new()
    }
}
