//! The resource: where and how a chat server runs, around the document that says what it does.

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
    doc = "An AI support chat: one resource becomes everything that a chat server needs.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$')")
        .message("the name must be at most 50 lower case letters, digits and dashes, and begin with a letter")
)]
#[serde(rename_all = "camelCase")]
pub struct ChatboxSpec {
    /// Image of the chat server. Left out: the one of the operator's release when the Chatbox is created, kept from
    /// then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Pods. More than one needs a shared storage, which this release does not have yet; 0 stops the chat.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 0, max = 1))]
    pub replicas: i32,
    /// CPU and memory of a pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How the pods are reached.
    #[serde(default)]
    pub service: Service,
    /// Leaves everything as it is until this is false again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// What becomes of the `PersistentVolumeClaim` and of generated keys when the Chatbox is deleted.
    /// It can be changed at any time until then.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// What the chat server does: the document it starts from.
    pub config: Config,
}

/// CPU and memory of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// What the scheduler sets aside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub requests: BTreeMap<String, Quantity>,
    /// What the pod may use at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub limits: BTreeMap<String, Quantity>,
}

/// How the pods are reached.
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
    /// Port on the nodes. Left out: the cluster chooses one.
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

/// What becomes of what cannot be made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It stays, and a Chatbox of the same name takes it up again.
    #[default]
    Retain,
    /// It goes with the Chatbox.
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

/// The definition that a cluster is given.
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
            // kstatus takes an object without status for a healthy one; this generation never exists, so a new
            // Chatbox is "in progress" from its first moment on.
            status.default = Some(JSON(serde_json::json!({"observedGeneration": -1})));
        }
    }
    crd
}

/// Makes the API server drop a field that is written as `null`, as templates like to do, instead of keeping the null
/// and counting it as set.
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
