//! The kinds of objects that the operator reads and writes: one table, from which watches and rights follow.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use kube::core::{ApiResource, GroupVersionKind};

/// One kind of the table. Cheap to copy, and compared by its group and name.
#[derive(Clone, Copy)]
pub struct Kind(&'static Definition);

/// A row of the table.
#[derive(Debug)]
pub struct Definition {
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
    pub role: Role,
    pub watch: Watch,
    pub api: Availability,
}

/// What the operator does with objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Applied, and deleted when the plan no longer contains it.
    Managed,
    /// Applied, and never deleted by the operator: it holds data or keys. It follows the deletion policy.
    Retained,
    /// Only read.
    Observed,
}

/// How a change of an object is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Objects with our label are watched and cached.
    Labelled,
    /// The metadata of every object is watched; objects that a Chatbox references trigger it.
    Referenced,
}

/// Whether every cluster serves the API of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Required,
    /// Its API may be absent, and may appear or disappear at any time.
    Optional,
}

impl Kind {
    pub const SERVICE_ACCOUNT: Self = Self(&SERVICE_ACCOUNT);
    pub const SECRET: Self = Self(&SECRET);
    pub const PERSISTENT_VOLUME_CLAIM: Self = Self(&PERSISTENT_VOLUME_CLAIM);
    pub const CONFIG_MAP: Self = Self(&CONFIG_MAP);
    pub const SERVICE: Self = Self(&SERVICE);
    pub const DEPLOYMENT: Self = Self(&DEPLOYMENT);
    pub const POD: Self = Self(&POD);
    /// The resource itself: the owner of all the others.
    pub const CHATBOX: Self = Self(&CHATBOX);

    /// The kinds of its objects.
    pub const ALL: [Self; 7] = [
        Self::SERVICE_ACCOUNT,
        Self::SECRET,
        Self::PERSISTENT_VOLUME_CLAIM,
        Self::CONFIG_MAP,
        Self::SERVICE,
        Self::DEPLOYMENT,
        Self::POD,
    ];

    pub const fn new(definition: &'static Definition) -> Self {
        Self(definition)
    }

    pub fn definition(self) -> &'static Definition {
        self.0
    }

    pub fn name(self) -> &'static str {
        self.0.name
    }

    pub fn resource(self) -> ApiResource {
        let Definition {
            group,
            version,
            name,
            plural,
            ..
        } = self.0;
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural)
    }

    pub fn is_retained(self) -> bool {
        self.0.role == Role::Retained
    }

    fn id(self) -> (&'static str, &'static str) {
        (self.0.group, self.0.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id().cmp(&other.id())
    }
}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

const SERVICE_ACCOUNT: Definition = core("ServiceAccount", "serviceaccounts", Role::Managed);
const SECRET: Definition = Definition {
    watch: Watch::Referenced,
    ..core("Secret", "secrets", Role::Retained)
};
const PERSISTENT_VOLUME_CLAIM: Definition = core(
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    Role::Retained,
);
const CONFIG_MAP: Definition = core("ConfigMap", "configmaps", Role::Managed);
const SERVICE: Definition = core("Service", "services", Role::Managed);
const DEPLOYMENT: Definition = Definition {
    group: "apps",
    ..core("Deployment", "deployments", Role::Managed)
};
const POD: Definition = core("Pod", "pods", Role::Observed);
const CHATBOX: Definition = Definition {
    group: crds::runtime::GROUP,
    version: "v1alpha1",
    ..core("Chatbox", "chatboxes", Role::Observed)
};

/// A kind of the core API that is watched by our label.
const fn core(name: &'static str, plural: &'static str, role: Role) -> Definition {
    Definition {
        group: "",
        version: "v1",
        name,
        plural,
        role,
        watch: Watch::Labelled,
        api: Availability::Required,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1 as core;
    use kube::Resource;

    use super::*;

    #[test]
    fn each_row_is_the_kind_of_its_type() {
        fn erased<K: Resource<DynamicType = ()>>() -> ApiResource {
            ApiResource::erase::<K>(&())
        }
        let types = [
            erased::<core::ServiceAccount>(),
            erased::<core::Secret>(),
            erased::<core::PersistentVolumeClaim>(),
            erased::<core::ConfigMap>(),
            erased::<core::Service>(),
            erased::<Deployment>(),
            erased::<core::Pod>(),
        ];
        assert_eq!(Kind::ALL.map(Kind::resource), types);
        assert_eq!(Kind::CHATBOX.resource(), erased::<crds::Chatbox>());
    }

    #[test]
    fn kinds_of_one_name_in_two_groups_are_two() {
        let other = Kind::new(&Definition {
            group: "serving.example",
            ..SERVICE
        });
        assert_ne!(other, Kind::SERVICE);
        assert_ne!(other.cmp(&Kind::SERVICE), Ordering::Equal);
        assert_eq!(
            std::collections::HashSet::from([other, Kind::SERVICE]).len(),
            2
        );
    }
}
