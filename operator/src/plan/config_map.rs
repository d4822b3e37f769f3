//! The server's document.

use std::collections::BTreeMap;

use crds::runtime::CONFIG_KEY;
use k8s_openapi::api::core::v1::ConfigMap;

use super::meta;
use crate::validate::ValidatedChatbox;

pub(super) fn build(chatbox: &ValidatedChatbox) -> ConfigMap {
    ConfigMap {
        metadata: meta::owned(chatbox, chatbox.config_map.clone()),
        data: Some(BTreeMap::from([(
            CONFIG_KEY.to_owned(),
            chatbox.config.render(),
        )])),
        ..ConfigMap::default()
    }
}
