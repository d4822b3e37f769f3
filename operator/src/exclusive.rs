//! Fields that exclude each other, or must differ from each other: what an edit of somebody else's leaves beside our own
//! fields can make an object that the API server refuses. Pure.
//!
//! Server-side apply adds our fields to those that others own. When somebody has switched a Deployment to another strategy,
//! or a probe to another handler, the object would then have both, and each apply is answered with 422. So the fields are
//! replaced as a whole, and applied afterwards.

pub mod refusal;

use serde_json::{Value, json};

use crate::kind::Kind;

pub use refusal::Refusal;

/// Objects of which only some members may be set at the same time, and lists whose items must differ, by the names of the
/// fields that hold them.
pub const REPLACED: [&str; 8] = [
    "strategy",
    "startupProbe",
    "livenessProbe",
    "readinessProbe",
    "lifecycle",
    // A request may not exceed its limit, and an edit may have set both.
    "resources",
    // Some capabilities exclude what we forbid.
    "securityContext",
    // Names and numbers of ports are unique.
    "ports",
];
/// Lists whose items have a name and hold one of several sources.
pub const REPLACED_ITEMS: &str = "volumes";
/// A list whose items have a name, and are looked into.
pub const NAMED: &str = "containers";

/// A field that we never set, and the fields of ours beside which it is refused.
struct Removed {
    kind: Kind,
    path: &'static str,
    beside: &'static [&'static str],
}

const REMOVED: [Removed; 10] = [
    removed(
        Kind::DEPLOYMENT,
        "/spec/minReadySeconds",
        &["/spec/progressDeadlineSeconds"],
    ),
    // Windows knows neither users nor capabilities.
    removed(
        Kind::DEPLOYMENT,
        "/spec/template/spec/os",
        &[
            "/spec/template/spec/securityContext",
            "/spec/template/spec/containers/0/securityContext",
        ],
    ),
    // Those of a container may not exceed those of its pod.
    removed(
        Kind::DEPLOYMENT,
        "/spec/template/spec/resources",
        &["/spec/template/spec/containers/0/resources"],
    ),
    removed(Kind::SERVICE, "/spec/externalName", &[]),
    removed(Kind::SERVICE, "/spec/loadBalancerClass", &[]),
    removed(Kind::SERVICE, "/spec/loadBalancerIP", &[]),
    removed(Kind::SERVICE, "/spec/loadBalancerSourceRanges", &[]),
    removed(Kind::SERVICE, "/spec/allocateLoadBalancerNodePorts", &[]),
    removed(Kind::SERVICE, "/spec/externalTrafficPolicy", &[]),
    removed(Kind::SERVICE, "/spec/healthCheckNodePort", &[]),
];

const fn removed(kind: Kind, path: &'static str, beside: &'static [&'static str]) -> Removed {
    Removed { kind, path, beside }
}

/// A JSON patch that takes out of `live` what may exclude our fields and is near what was refused; none if there is nothing
/// of the kind. It holds only for this object, and while its lists are in this order.
pub fn patch(kind: Kind, live: &Value, desired: &Value, refusal: &Refusal) -> Option<Value> {
    let mut changes = Vec::new();
    replace("", live, desired, &mut changes);
    changes.retain(|change| {
        let path = change["path"].as_str().unwrap_or_default();
        change["op"] == "test" || refusal.concerns(path)
    });
    if kind == Kind::SERVICE && changes.iter().any(|change| change["path"] == "/spec/ports") {
        // The type decides which fields of a port are allowed.
        changes.push(json!({"op": "add", "path": "/spec/type", "value": desired["spec"]["type"]}));
    }
    let is_refused = |removed: &&Removed| {
        let mut paths = removed.beside.iter().chain([&removed.path]);
        removed.kind == kind
            && live.pointer(removed.path).is_some()
            && paths.any(|path| refusal.concerns(path))
    };
    let removed = REMOVED.iter().filter(is_refused);
    changes.extend(removed.map(|removed| json!({"op": "remove", "path": removed.path})));
    if changes.iter().all(|change| change["op"] == "test") {
        return None;
    }
    let same = json!({"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]});
    changes.insert(0, same);
    Some(Value::Array(changes))
}

/// A JSON patch that makes nobody the owner of the fields that [`patch`] has written: an owner beside the one that applies
/// would keep them when they are no longer applied. None if there is no such owner.
pub fn disown(live: &Value, manager: &str) -> Option<Value> {
    let entries = live["metadata"]["managedFields"].as_array()?;
    let place = entries.iter().position(|entry| {
        entry["manager"] == manager
            && entry["operation"] == "Update"
            && entry.get("subresource").is_none()
    })?;
    let path = format!("/metadata/managedFields/{place}");
    Some(json!([
        {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]},
        {"op": "test", "path": path, "value": entries[place]},
        {"op": "remove", "path": path},
    ]))
}

fn replace(path: &str, live: &Value, desired: &Value, changes: &mut Vec<Value>) {
    let (Some(live), Some(desired)) = (live.as_object(), desired.as_object()) else {
        return;
    };
    for (name, desired) in desired {
        let Some(live) = live.get(name) else {
            continue;
        };
        let path = format!("{path}/{name}");
        if REPLACED.contains(&name.as_str()) {
            push(&path, live, desired, changes);
        } else if name == REPLACED_ITEMS {
            for (path, live, desired) in pairs(&path, live, desired) {
                changes.push(same_name(&path, desired));
                push(&path, live, desired, changes);
            }
        } else if name == NAMED {
            for (path, live, desired) in pairs(&path, live, desired) {
                changes.push(same_name(&path, desired));
                replace(&path, live, desired, changes);
            }
        } else {
            replace(&path, live, desired, changes);
        }
    }
}

fn same_name(path: &str, item: &Value) -> Value {
    json!({"op": "test", "path": format!("{path}/name"), "value": item["name"]})
}

fn push(path: &str, live: &Value, desired: &Value, changes: &mut Vec<Value>) {
    if live != desired {
        changes.push(json!({"op": "replace", "path": path, "value": desired}));
    }
}

/// The items of two lists that have the same name, with the path of the live one.
fn pairs<'a>(
    path: &str,
    live: &'a Value,
    desired: &'a Value,
) -> Vec<(String, &'a Value, &'a Value)> {
    let live = || live.as_array().into_iter().flatten().enumerate();
    let desired = desired.as_array().into_iter().flatten();
    let pair = |desired: &'a Value| {
        let (place, live) = live().find(|(_, live)| live["name"] == desired["name"])?;
        Some((format!("{path}/{place}"), live, desired))
    };
    desired.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Value {
        json!({
            "metadata": {"uid": "u"},
            "spec": {
                "minReadySeconds": 1000,
                "replicas": 1,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
                "template": {"spec": {
                    "containers": [
                        {"name": "sidecar", "livenessProbe": {"exec": {}}},
                        {"name": "chatbox", "image": "edited", "livenessProbe": {"tcpSocket": {"port": 1}}},
                    ],
                    "volumes": [{"name": "theirs", "emptyDir": {}}, {"name": "data", "emptyDir": {}}],
                }},
            },
        })
    }

    fn desired() -> Value {
        json!({
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "template": {"spec": {
                    "containers": [{"name": "chatbox", "image": "ours", "livenessProbe": {"httpGet": {"port": 1}}}],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "c"}}],
                }},
            },
        })
    }

    fn refused(fields: &[&str]) -> Refusal {
        let causes: Vec<Value> = fields
            .iter()
            .map(|field| json!({"field": field, "message": "may not be set"}))
            .collect();
        let status = json!({"code": 422, "details": {"causes": causes}});
        Refusal::new(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn each_branch_is_replaced_under_the_uid_and_the_rest_is_left() {
        let refusal = refused(&["spec"]);
        let patch = patch(Kind::DEPLOYMENT, &live(), &desired(), &refusal).unwrap();
        let container = "/spec/template/spec/containers/1";
        let expected = json!([
            {"op": "test", "path": "/metadata/uid", "value": "u"},
            {"op": "replace", "path": "/spec/strategy", "value": {"type": "Recreate"}},
            {"op": "test", "path": format!("{container}/name"), "value": "chatbox"},
            {
                "op": "replace", "path": format!("{container}/livenessProbe"),
                "value": {"httpGet": {"port": 1}},
            },
            {"op": "test", "path": "/spec/template/spec/volumes/1/name", "value": "data"},
            {
                "op": "replace", "path": "/spec/template/spec/volumes/1",
                "value": {"name": "data", "persistentVolumeClaim": {"claimName": "c"}},
            },
            {"op": "remove", "path": "/spec/minReadySeconds"},
        ]);
        assert_eq!(patch, expected);
    }

    #[test]
    fn a_service_takes_its_type_along_with_its_ports() {
        let desired =
            json!({"spec": {"type": "ClusterIP", "ports": [{"name": "http", "port": 80}]}});
        let live = json!({
            "metadata": {"uid": "u"},
            "spec": {
                "type": "LoadBalancer", "externalTrafficPolicy": "Local",
                "ports": [{"name": "http", "port": 81, "nodePort": 30081}],
            },
        });
        let refusal = refused(&["spec.ports[0].nodePort", "spec.externalTrafficPolicy"]);
        let patch = patch(Kind::SERVICE, &live, &desired, &refusal).unwrap();
        let expected = json!([
            {"op": "replace", "path": "/spec/ports", "value": [{"name": "http", "port": 80}]},
            {"op": "add", "path": "/spec/type", "value": "ClusterIP"},
            {"op": "remove", "path": "/spec/externalTrafficPolicy"},
        ]);
        assert_eq!(
            patch.as_array().unwrap()[1..],
            *expected.as_array().unwrap()
        );
    }

    #[test]
    fn an_object_without_such_a_field_is_left_alone() {
        let live = json!({"metadata": {"uid": "u"}, "data": {"a": "edited"}});
        let desired = json!({"data": {"a": "b"}});
        assert_eq!(
            patch(Kind::CONFIG_MAP, &live, &desired, &refused(&["data"])),
            None
        );
    }

    #[test]
    fn only_what_is_near_the_refused_fields_is_touched() {
        let paths = |fields: &[&str]| {
            let patch = patch(Kind::DEPLOYMENT, &live(), &desired(), &refused(fields))?;
            let changes = patch.as_array()?.iter();
            let changes = changes.filter(|change| change["op"] != "test");
            let path = |change: &Value| change["path"].as_str().unwrap().to_owned();
            Some(changes.map(path).collect::<Vec<_>>())
        };
        let strategy = paths(&["spec.strategy.rollingUpdate"]).unwrap();
        assert_eq!(strategy, ["/spec/strategy"]);
        // The API server names the field that is ours.
        let deadline = paths(&["spec.progressDeadlineSeconds"]).unwrap();
        assert_eq!(deadline, ["/spec/minReadySeconds"]);
        assert_eq!(paths(&["spec.selector"]), None);
        assert_eq!(paths(&["metadata.labels"]), None);
        assert_eq!(paths(&[]), None);
    }

    #[test]
    fn what_a_pod_of_another_kind_has_beside_ours_is_removed() {
        let live = json!({
            "metadata": {"uid": "u"},
            "spec": {"template": {"spec": {"os": {"name": "windows"}, "resources": {"limits": {"cpu": "1m"}}}}},
        });
        let removed = |field: &str| {
            let patch = patch(Kind::DEPLOYMENT, &live, &json!({}), &refused(&[field]));
            patch.map(|patch| patch[1]["path"].clone())
        };
        let container = "spec.template.spec.containers[0]";
        let os = json!("/spec/template/spec/os");
        assert_eq!(
            removed(&format!("{container}.securityContext.capabilities")),
            Some(os.clone())
        );
        assert_eq!(
            removed("spec.template.spec.securityContext.fsGroup"),
            Some(os)
        );
        assert_eq!(
            removed(&format!("{container}.resources.limits")),
            Some(json!("/spec/template/spec/resources"))
        );
        assert_eq!(removed("spec.replicas"), None);
    }

    #[test]
    fn only_what_the_patch_has_written_is_disowned() {
        let entry =
            |manager: &str, operation: &str| json!({"manager": manager, "operation": operation});
        let live = |entries: &[Value]| json!({"metadata": {"uid": "u", "managedFields": entries}});
        let others = [entry("ours", "Apply"), entry("kubectl-edit", "Update")];
        assert_eq!(disown(&live(&others), "ours"), None);
        let all = [&others[..], &[entry("ours", "Update")]].concat();
        let patch = disown(&live(&all), "ours").unwrap();
        assert_eq!(patch[1]["value"], all[2]);
        assert_eq!(patch[2]["path"], "/metadata/managedFields/2");
    }
}
