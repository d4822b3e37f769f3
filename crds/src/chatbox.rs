//! The `Chatbox` resource: where and how a chat server runs, and the configuration document that it embeds.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ChatboxStatus, Config};

/// Longest name of a Chatbox: the names of its children are this plus a suffix, and a Service's must fit into 63.
pub const NAME_MAX: usize = 50;

/// An AI support chat.
#[derive(CustomResource, JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "chatbox.dev",
    version = "v1alpha1",
    kind = "Chatbox",
    plural = "chatboxes",
    shortname = "cbx",
    namespaced,
    status = "ChatboxStatus",
    derive = "PartialEq",
    doc = "An AI support chat: the operator creates everything that its server needs.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$')")
        .message("the name must be at most 50 lower case letters, digits and dashes, and begin with a letter")
)]
#[serde(rename_all = "camelCase")]
pub struct ChatboxSpec {
    /// Image of the chat server, which nodes must be able to pull by themselves, or with the means of the account
    /// `<name>-chatbox`. Left out: the operator's release chooses one when the Chatbox is created, or when the field is first
    /// taken out. Operator upgrades do not change that choice, nor does an image that is named here for a while: to upgrade a
    /// server, name the new image here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Number of pods. More than one needs a shared storage, which this release does not have yet; 0 stops the server, whatever
    /// else is wrong with the Chatbox.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1))]
    pub replicas: i32,
    /// CPU and memory of a pod. Write fractions in quotes or as thousandths: `cpu: "0.5"` or `cpu: 500m`. Of the forms that
    /// Kubernetes knows, those with an exponent, a sign, more than three decimals or none before the point are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// The Service in front of the pods.
    #[serde(default)]
    pub service: Service,
    /// While true, the operator changes none of the objects of this Chatbox, apart from what `deletionPolicy` asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// What happens to the `PersistentVolumeClaim` and to generated keys when the Chatbox is deleted. It can be changed at
    /// any time before that, also while the Chatbox is paused or invalid, and is in effect when the condition
    /// `DeletionPolicyApplied` of that generation is true: wait for that before you delete the Chatbox. A claim or keys that the
    /// spec does not use, as those of an earlier Chatbox of this name, are not deleted with it.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Configuration of the chat server: the document that it reads at start.
    pub config: Config,
}

/// CPU and memory of a pod. Write fractions in quotes or as thousandths: `cpu: "0.5"` or `cpu: 500m`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Amounts that the scheduler reserves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub requests: BTreeMap<String, Quantity>,
    /// Amounts that the pod may not exceed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub limits: BTreeMap<String, Quantity>,
}

/// The Service in front of the pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "!has(self.nodePort) || self.type == 'NodePort'",
    "message": "nodePort needs type NodePort"
}]))]
pub struct Service {
    /// `ClusterIP`: from inside the cluster only. `NodePort`: on every node too.
    #[serde(rename = "type")]
    pub type_: ServiceType,
    /// Port of the Service.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Port on the nodes. Left out: the API server allocates one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<i32>,
    /// Annotations of the Service, for load balancers and the like.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub annotations: BTreeMap<String, String>,
}

/// Kind of a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServiceType {
    #[default]
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    NodePort,
}

/// What happens to objects that hold data or keys, which cannot be created again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They stay, and a Chatbox of the same name adopts them.
    #[default]
    Retain,
    /// They are deleted with the Chatbox.
    Delete,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            type_: ServiceType::ClusterIp,
            port: 80,
            node_port: None,
            annotations: BTreeMap::new(),
        }
    }
}

fn default_replicas() -> i32 {
    1
}

/// The CustomResourceDefinition, as it is applied to a cluster.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = Chatbox::crd();
    for version in &mut crd.spec.versions {
        let Some(schema) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        else {
            continue;
        };
        prune_nulls(schema);
        if let Some(status) = schema
            .properties
            .as_mut()
            .and_then(|properties| properties.get_mut("status"))
        {
            // kstatus reports an object without status as current. No object has this generation, so a new Chatbox is
            // "in progress" until the operator has written its first status.
            status.default = Some(JSON(serde_json::json!({"observedGeneration": -1})));
        }
    }
    crd
}

/// Makes the API server prune a field that is written as `null`, as templates often do, instead of storing the null
/// and treating the field as set.
fn prune_nulls(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for property in schema.properties.iter_mut().flat_map(BTreeMap::values_mut) {
        prune_nulls(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        prune_nulls(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        prune_nulls(values);
    }
}
