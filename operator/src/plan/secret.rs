//! The Secrets with the generated keys, when the config names no keys of its own.

use std::collections::BTreeMap;

use crds::SecretRef;
use crds::chatbox::DeletionPolicy;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Keys, meta};
use crate::names;
use crate::validate::{KeySource, ValidatedChatbox};

pub(super) fn signing(chatbox: &ValidatedChatbox) -> Option<Keys> {
    let secret = names::signing_key(&chatbox.name);
    let metadata = meta::retained(chatbox, secret.name.clone());
    keys(chatbox, &chatbox.signing_key, secret, metadata)
}

pub(super) fn encryption(chatbox: &ValidatedChatbox) -> Option<Keys> {
    let secret = names::encryption_key(&chatbox.name).secret;
    let name = secret.name.clone();
    let metadata = match chatbox.deletion_policy {
        DeletionPolicy::Delete if is_deleted_with_its_data(chatbox) => meta::owned(chatbox, name),
        DeletionPolicy::Delete | DeletionPolicy::Retain => meta::without_owner(chatbox, name),
    };
    keys(chatbox, &chatbox.encryption_key, secret, metadata)
}

/// A database that the operator does not delete needs its key for ever.
fn is_deleted_with_its_data(chatbox: &ValidatedChatbox) -> bool {
    chatbox.config.storage.sqlite.is_some()
}

fn keys(
    chatbox: &ValidatedChatbox,
    source: &KeySource,
    secret: SecretRef,
    metadata: ObjectMeta,
) -> Option<Keys> {
    let SecretRef { name, key } = secret;
    let create = match source {
        KeySource::Named => return None,
        KeySource::Exists => None,
        KeySource::New(value) => Some(Secret {
            // What is created here is never given up by a later apply, and owner and labels must be.
            metadata: meta::without_owner(chatbox, name),
            data: Some(BTreeMap::from([(
                key,
                ByteString(value.expose().as_bytes().to_vec()),
            )])),
            ..Secret::default()
        }),
    };
    let metadata = Secret {
        metadata,
        ..Secret::default()
    };
    Some(Keys { create, metadata })
}
