//! The PersistentVolumeClaim of the database file, when the config asks for one.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::meta;
use crate::claim::PlannedClaim;
use crate::names;
use crate::validate::ValidatedChatbox;

pub(super) fn build(chatbox: &ValidatedChatbox) -> Option<PersistentVolumeClaim> {
    let PlannedClaim {
        access_modes,
        storage_class_name,
        size,
    } = chatbox.claim.clone()?;
    Some(PersistentVolumeClaim {
        metadata: meta::retained(chatbox, names::data(&chatbox.name)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(access_modes),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size))])),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name,
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    })
}
