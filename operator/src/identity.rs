//! Who a Chatbox is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// What a plan needs to know of the Chatbox itself.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: String,
    pub namespace: Option<String>,
    /// The Chatbox as the owner of its objects; none when it was never in a cluster.
    pub owner: Option<OwnerReference>,
}

impl Identity {
    pub fn uid(&self) -> &str {
        self.owner.as_ref().map_or("", |owner| &owner.uid)
    }
}
