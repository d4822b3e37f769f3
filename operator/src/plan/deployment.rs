//! The Deployment: how pods are created and replaced.

use std::collections::BTreeMap;

use crds::runtime::{CONFIG_HASH, grace_seconds};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{meta, pod};
use crate::names::{self, IMAGE_ANNOTATION};
use crate::validate::ValidatedChatbox;

/// How long a pod may take to become ready, once the one before it is gone, until the rollout counts as failed.
const START_SECONDS: i64 = 600;
/// No revision to undo to: the resource is the truth, and the configs of old ReplicaSets are pruned. `rollout undo` would
/// restore old annotations too, and with them an image that is no longer chosen.
const HISTORY: i32 = 0;

pub(super) fn build(chatbox: &ValidatedChatbox) -> Deployment {
    let deadline = START_SECONDS + grace_seconds(&chatbox.config);
    Deployment {
        // Not on the template, where it would roll the pods.
        metadata: ObjectMeta {
            annotations: chatbox
                .chosen_image
                .clone()
                .map(|image| BTreeMap::from([(IMAGE_ANNOTATION.to_owned(), image)])),
            ..meta::owned(chatbox, names::app(&chatbox.name))
        },
        spec: Some(DeploymentSpec {
            replicas: Some(chatbox.replicas),
            revision_history_limit: Some(HISTORY),
            // The grace period of the old pod counts: the new one is not created before that is gone. The config bounds it;
            // a longer one than the field can hold would be as good as the longest.
            progress_deadline_seconds: Some(i32::try_from(deadline).unwrap_or(i32::MAX)),
            strategy: Some(strategy(chatbox)),
            selector: LabelSelector {
                match_labels: Some(meta::selector(&chatbox.name)),
                ..LabelSelector::default()
            },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(meta::pod_labels(&chatbox.name)),
                    annotations: chatbox
                        .config_hash
                        .clone()
                        .map(|hash| BTreeMap::from([(CONFIG_HASH.to_owned(), hash)])),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod::build(chatbox)),
            },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

/// A database file has one writer, so its pod ends before the next one starts. A MongoDB has many: the new pod is ready
/// before the old one ends.
fn strategy(chatbox: &ValidatedChatbox) -> DeploymentStrategy {
    if chatbox.config.storage.sqlite.is_some() {
        return DeploymentStrategy {
            type_: Some("Recreate".to_owned()),
            ..DeploymentStrategy::default()
        };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}
