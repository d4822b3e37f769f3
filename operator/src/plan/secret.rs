//! The Secret with the generated signing key, when the config names no key of its own.

use std::collections::BTreeMap;

use crds::runtime::SIGNING_KEY;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Keys, meta};
use crate::names;
use crate::validate::{Generated, ValidatedChatbox};

pub(super) fn build(valid: &ValidatedChatbox) -> Option<Keys> {
    let create = match &valid.generated {
        Generated::No => return None,
        Generated::Exists => None,
        Generated::New(key) => Some(Secret {
            // Without an owner: what is created here is never given up by a later apply, and an owner must be.
            metadata: ObjectMeta {
                owner_references: None,
                ..meta::retained(valid, names::keys(&valid.name))
            },
            data: Some(BTreeMap::from([(
                SIGNING_KEY.to_owned(),
                ByteString(key.expose().as_bytes().to_vec()),
            )])),
            ..Secret::default()
        }),
    };
    let metadata = Secret {
        metadata: meta::retained(valid, names::keys(&valid.name)),
        ..Secret::default()
    };
    Some(Keys { create, metadata })
}
