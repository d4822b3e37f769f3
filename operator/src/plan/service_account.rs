//! The ServiceAccount of the pods: an identity of their own, without any right and without a token.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::meta;
use crate::names;
use crate::validate::ValidatedChatbox;

pub(super) fn build(valid: &ValidatedChatbox) -> ServiceAccount {
    ServiceAccount {
        metadata: meta::owned(valid, names::app(&valid.name)),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
