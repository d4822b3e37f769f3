//! The metadata that every object has once the API server has stored it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use thiserror::Error;

use crate::namespaced_name::NamespacedName;

/// Identity and version of a stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub namespaced_name: NamespacedName,
    pub uid: String,
    /// The resource version, which tells the newer one of two records of an object.
    pub version: u64,
}

/// An object that cannot have come from an API server.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} {name:?} has no valid metadata.{field}, which the API server sets on every object")]
pub struct Incomplete {
    pub kind: String,
    pub name: String,
    pub field: &'static str,
}

impl Stored {
    pub fn new(kind: &str, metadata: &ObjectMeta) -> Result<Self, Incomplete> {
        let incomplete = |field| Incomplete {
            kind: kind.to_owned(),
            name: metadata.name.clone().unwrap_or_default(),
            field,
        };
        let text = |value: &Option<String>, field| value.clone().ok_or_else(|| incomplete(field));
        let version = text(&metadata.resource_version, "resourceVersion")?;
        Ok(Self {
            namespaced_name: NamespacedName {
                namespace: text(&metadata.namespace, "namespace")?,
                name: text(&metadata.name, "name")?,
            },
            uid: text(&metadata.uid, "uid")?,
            // A decimal number by the rules of the API since Kubernetes 1.35, and in every release before.
            version: version.parse().map_err(|_| incomplete("resourceVersion"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_required() {
        let complete = || ObjectMeta {
            name: Some("x".to_owned()),
            namespace: Some("n".to_owned()),
            uid: Some("u".to_owned()),
            resource_version: Some("7".to_owned()),
            ..ObjectMeta::default()
        };
        assert_eq!(Stored::new("Pod", &complete()).unwrap().version, 7);
        let without = |field: &str| {
            let mut metadata = serde_json::to_value(complete()).unwrap();
            metadata.as_object_mut().unwrap().remove(field);
            serde_json::from_value(metadata).unwrap()
        };
        let unversioned = ObjectMeta {
            resource_version: Some("later".to_owned()),
            ..complete()
        };
        let fields = ["name", "namespace", "uid", "resourceVersion"];
        let rows = fields.map(|field| (field, without(field)));
        for (field, metadata) in rows.into_iter().chain([("resourceVersion", unversioned)]) {
            let error = Stored::new("Pod", &metadata).unwrap_err();
            assert_eq!(error.field, field);
        }
    }
}
