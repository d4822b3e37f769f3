//! The server's document.

use std::collections::BTreeMap;

use crds::runtime::CONFIG_KEY;
use k8s_openapi::api::core::v1::ConfigMap;

use super::meta;
use crate::validate::ValidatedChatbox;

pub(super) fn build(valid: &ValidatedChatbox) -> ConfigMap {
    ConfigMap {
        metadata: meta::owned(valid, valid.config_map.clone()),
        data: Some(BTreeMap::from([(
            CONFIG_KEY.to_owned(),
            valid.config.render(),
        )])),
        ..ConfigMap::default()
    }
}
