//! The Secret with the generated signing key, when the config names no key of its own.

use std::collections::BTreeMap;

use crds::runtime::SIGNING_KEY;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::{Keys, meta};
use crate::names;
use crate::validate::{Generated, ValidatedChatbox};

pub(super) fn build(chatbox: &ValidatedChatbox) -> Option<Keys> {
    let create = match &chatbox.generated {
        Generated::No => return None,
        Generated::Exists => None,
        Generated::New(key) => Some(Secret {
            // What is created here is never given up by a later apply, and owner and labels must be.
            metadata: meta::without_owner(chatbox, names::keys(&chatbox.name)),
            data: Some(BTreeMap::from([(
                SIGNING_KEY.to_owned(),
                ByteString(key.expose().as_bytes().to_vec()),
            )])),
            ..Secret::default()
        }),
    };
    let metadata = Secret {
        metadata: meta::retained(chatbox, names::keys(&chatbox.name)),
        ..Secret::default()
    };
    Some(Keys { create, metadata })
}
