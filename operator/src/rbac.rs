//! The rights that the operator needs, and no other. `operator/rbac.yaml` is generated from this.

use std::collections::BTreeMap;

use crds::runtime::{FIELD_MANAGER, GROUP};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::kind::{Kind, Role};

/// The rights, for a role of either scope.
///
/// The discovery of optional APIs needs none: every account may do that.
pub fn rules() -> Vec<PolicyRule> {
    let mut rules = vec![
        // The operator cannot change a spec.
        rule(GROUP, &["chatboxes"], &["list", "watch"]),
        rule(GROUP, &["chatboxes/status"], &["patch"]),
        // Where the admission plugin OwnerReferencesPermissionEnforcement is on, only who may do that may let an object
        // hold up the deletion of its owner, as `--cascade=foreground` needs.
        rule(GROUP, &["chatboxes/finalizers"], &["update"]),
    ];
    let mut by_verbs: BTreeMap<(&str, &[&str]), Vec<&str>> = BTreeMap::new();
    for kind in Kind::ALL {
        let definition = kind.definition();
        let key = (definition.group, verbs(definition.role));
        by_verbs.entry(key).or_default().push(definition.plural);
    }
    let kinds = by_verbs.into_iter();
    rules.extend(kinds.map(|((group, verbs), resources)| rule(group, &resources, verbs)));
    rules.push(rule("events.k8s.io", &["events"], &["create", "patch"]));
    rules
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

/// Apply is `patch`, and `create` where there was nothing; there is no `update`.
fn verbs(role: Role) -> &'static [&'static str] {
    match role {
        // `delete` prunes managed objects. Retained ones are never deleted by the operator, but their owner references
        // come and go with the deletion policy, and where the admission plugin OwnerReferencesPermissionEnforcement is
        // on, as it is on OpenShift, only who may delete an object may change its owners.
        Role::Managed | Role::Retained => &["create", "delete", "get", "list", "patch", "watch"],
        Role::Observed => &["list", "watch"],
    }
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |words: &[&str]| {
        let words = words.iter();
        words.map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
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
