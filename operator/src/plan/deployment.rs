//! The Deployment: how pods come and go.

use std::collections::BTreeMap;

use crds::runtime::{CONFIG_HASH, grace_seconds};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{meta, pod};
use crate::names;
use crate::validate::ValidatedChatbox;

/// How long a pod may take to become ready, once the one before it is gone, until the roll-out counts as failed.
const START_SECONDS: i64 = 600;
/// Nothing to go back to: the resource is the truth, and the configs of old ReplicaSets are pruned. `rollout undo` would
/// bring back the annotations of their time too, and with them an image that is no longer chosen.
const HISTORY: i32 = 0;

pub(super) fn build(valid: &ValidatedChatbox) -> Deployment {
    let deadline = START_SECONDS + grace_seconds(&valid.config);
    Deployment {
        // Not on the template: there it would roll the pods when an older release's Deployment gets it.
        metadata: ObjectMeta {
            annotations: Some(BTreeMap::from([(
                meta::IMAGE.to_owned(),
                valid.image.clone(),
            )])),
            ..meta::owned(valid, names::app(&valid.name))
        },
        spec: Some(DeploymentSpec {
            replicas: Some(valid.replicas),
            revision_history_limit: Some(HISTORY),
            // The old pod's grace period counts: the new one is not made before it is gone.
            progress_deadline_seconds: i32::try_from(deadline).ok(),
            // One database file has one writer.
            strategy: Some(DeploymentStrategy {
                type_: Some("Recreate".to_owned()),
                ..DeploymentStrategy::default()
            }),
            selector: LabelSelector {
                match_labels: Some(meta::selector(&valid.name)),
                ..LabelSelector::default()
            },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(meta::labels(&valid.name)),
                    annotations: valid
                        .digest
                        .clone()
                        .map(|digest| BTreeMap::from([(CONFIG_HASH.to_owned(), digest)])),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod::build(valid)),
            },
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}
