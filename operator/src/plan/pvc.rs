//! The PersistentVolumeClaim of the database file, when the config asks for one.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::meta;
use crate::names;
use crate::quantity;
use crate::validate::ValidatedChatbox;

pub(super) fn build(chatbox: &ValidatedChatbox) -> Option<PersistentVolumeClaim> {
    let claim = chatbox
        .config
        .storage
        .sqlite
        .as_ref()?
        .volume
        .claim
        .as_ref()?;
    let size = Quantity(quantity::canonical(&claim.size));
    Some(PersistentVolumeClaim {
        metadata: meta::retained(chatbox, names::data(&chatbox.name)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), size)])),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name: claim.storage_class_name.clone(),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    })
}
