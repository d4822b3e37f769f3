//! The rights that the operator needs, and no other. `operator/rbac.yaml` is made from this.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crds::runtime::{FIELD_MANAGER, GROUP};

struct Rule {
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

/// Apply is `patch`, and `create` where there was nothing. There is no `update`, and nothing on the Chatboxes
/// themselves but reading: the operator cannot change a spec.
const RULES: [Rule; 9] = [
    Rule {
        group: GROUP,
        resources: &["chatboxes"],
        verbs: &["list", "watch"],
    },
    Rule {
        group: GROUP,
        resources: &["chatboxes/status"],
        verbs: &["patch"],
    },
    Rule {
        group: "apps",
        resources: &["deployments"],
        verbs: &["create", "get", "list", "patch", "watch"],
    },
    Rule {
        group: "",
        resources: &["serviceaccounts", "services"],
        verbs: &["create", "get", "list", "patch", "watch"],
    },
    // Nothing that holds data is ever deleted by us. But the deletion policy is an owner reference that comes and goes,
    // and where the admission plugin OwnerReferencesPermissionEnforcement is on, as it is on OpenShift, only who may
    // delete an object may change its owners.
    Rule {
        group: "",
        resources: &["persistentvolumeclaims"],
        verbs: &["create", "delete", "get", "list", "patch", "watch"],
    },
    // The config of pods that are gone is deleted.
    Rule {
        group: "",
        resources: &["configmaps"],
        verbs: &["create", "delete", "get", "list", "patch", "watch"],
    },
    // A Secret that appears or changes must be noticed, so they are watched, without their content. The one that is
    // generated is created, and its labels and owner are kept: `delete` is for the owner, as with the claims.
    Rule {
        group: "",
        resources: &["secrets"],
        verbs: &["create", "delete", "get", "list", "patch", "watch"],
    },
    // Why a chat does not start is read from its pods.
    Rule {
        group: "",
        resources: &["pods"],
        verbs: &["list", "watch"],
    },
    Rule {
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
    },
];

/// The rights, for a role of either scope.
pub fn rules() -> Vec<PolicyRule> {
    let owned = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let rule = |rule: &Rule| PolicyRule {
        api_groups: Some(vec![rule.group.to_owned()]),
        resources: Some(owned(rule.resources)),
        verbs: owned(rule.verbs),
        ..PolicyRule::default()
    };
    RULES.iter().map(rule).collect()
}

pub fn cluster_role() -> ClusterRole {
    ClusterRole {
        metadata: ObjectMeta {
            name: Some(FIELD_MANAGER.to_owned()),
            ..ObjectMeta::default()
        },
        rules: Some(rules()),
        ..ClusterRole::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_by_wildcard() {
        let everything = rules().into_iter().flat_map(|rule| {
            let lists = [rule.api_groups, rule.resources, Some(rule.verbs)];
            lists.into_iter().flatten().flatten()
        });
        assert!(everything.into_iter().all(|word| !word.contains('*')));
    }
}
