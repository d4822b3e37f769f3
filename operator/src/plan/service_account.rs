//! The ServiceAccount of the pods: an identity of their own, without any right and without a token.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::meta;
use crate::names;
use crate::validate::ValidatedChatbox;

pub(super) fn build(chatbox: &ValidatedChatbox) -> ServiceAccount {
    ServiceAccount {
        metadata: meta::owned(chatbox, names::app(&chatbox.name)),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
