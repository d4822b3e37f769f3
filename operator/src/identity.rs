//! Who a Chatbox is, for its plan.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// Who a Chatbox is. It may never have been in a cluster.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: String,
    pub namespace: Option<String>,
    /// The Chatbox as the owner of its objects; none when it is rendered from a file without a uid.
    pub owner: Option<OwnerReference>,
}
