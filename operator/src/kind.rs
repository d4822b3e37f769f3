//! The kinds of objects that belong to a Chatbox.

use kube::core::{ApiResource, Resource};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
};

/// The kinds of objects that belong to a Chatbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    ServiceAccount,
    Secret,
    PersistentVolumeClaim,
    ConfigMap,
    Service,
    Deployment,
    Pod,
}

impl Kind {
    /// Kinds whose objects are watched by our label. Secrets are watched too, but by reference and without content.
    pub const WATCHED: [Self; 6] = [
        Self::ServiceAccount,
        Self::PersistentVolumeClaim,
        Self::ConfigMap,
        Self::Service,
        Self::Deployment,
        Self::Pod,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::ConfigMap => "ConfigMap",
            Self::Service => "Service",
            Self::Deployment => "Deployment",
            Self::Pod => "Pod",
        }
    }

    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => erase::<ServiceAccount>(),
            Self::Secret => erase::<Secret>(),
            Self::PersistentVolumeClaim => erase::<PersistentVolumeClaim>(),
            Self::ConfigMap => erase::<ConfigMap>(),
            Self::Service => erase::<Service>(),
            Self::Deployment => erase::<Deployment>(),
            Self::Pod => erase::<Pod>(),
        }
    }

    /// Kinds that hold what cannot be made again: they follow the deletion policy, and are never pruned.
    pub fn is_retained(self) -> bool {
        matches!(self, Self::Secret | Self::PersistentVolumeClaim)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

fn erase<K: Resource<DynamicType = ()>>() -> ApiResource {
    ApiResource::erase::<K>(&())
}
