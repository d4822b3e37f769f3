use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::Value;

use crate::exclusive;
use crate::fixtures::{
    self, FULL, QUICKSTART, chatbox, objects, observed, observed_at_first, validate,
};
use crate::kind::Kind;
use crate::render::yaml;

use super::*;

fn text(plan: &Plan) -> String {
    let documents = plan
        .objects()
        .unwrap()
        .into_iter()
        .map(|object| yaml(&object.body).unwrap());
    documents.collect::<Vec<_>>().join("---\n")
}

fn pod(plan: &Plan) -> PodSpec {
    plan.deployment.spec.clone().unwrap().template.spec.unwrap()
}

#[test]
fn smallest_chatbox() {
    insta::assert_snapshot!(text(&fixtures::plan(QUICKSTART)));
}

#[test]
fn every_field_of_the_spec() {
    insta::assert_snapshot!(text(&fixtures::plan(FULL)));
}

#[test]
fn an_empty_dir_in_place_of_a_claim() {
    let yaml = QUICKSTART.replace(
        "{sqlite: {}}",
        "{sqlite: {volume: {emptyDir: {sizeLimit: 1024Mi}}}}",
    );
    let plan = fixtures::plan(&yaml);
    assert!(plan.pvc.is_none());
    let volumes = pod(&plan).volumes.unwrap();
    let data = volumes
        .into_iter()
        .find(|volume| volume.name == "data")
        .unwrap();
    let limit = data.empty_dir.unwrap().size_limit.unwrap();
    assert_eq!(limit.0, "1Gi");
}

#[test]
fn pods_on_a_mongodb_need_no_claim_and_overlap_while_they_are_replaced() {
    let mongodb = "{mongodb: {uri: {name: mongodb, key: uri}, database: support, tls: {ca: {name: mongodb, key: ca}}}}";
    let plan = fixtures::plan(&QUICKSTART.replace("{sqlite: {}}", mongodb));
    assert!(plan.pvc.is_none());
    let strategy = plan.deployment.spec.clone().unwrap().strategy.unwrap();
    assert_eq!(
        serde_json::to_value(strategy).unwrap(),
        serde_json::json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
    );
    let projected = pod(&plan).volumes.unwrap().into_iter();
    let sources = projected.filter_map(|volume| volume.projected?.sources);
    let items = sources
        .flatten()
        .flat_map(|source| source.secret.unwrap().items.unwrap());
    let paths: Vec<_> = items.map(|item| item.path).collect();
    for path in ["mongodb/uri", "mongodb/ca"] {
        assert!(paths.contains(&path.to_owned()), "{path} in {paths:?}");
    }
}

#[test]
fn the_generated_key_is_in_the_one_create_and_nowhere_else() {
    let chatbox = chatbox(QUICKSTART);
    let observed = observed_at_first(&chatbox);
    let plan = plan(&validate(&chatbox, &observed).unwrap());
    let created = plan.signing_key.as_ref().unwrap().create.as_ref().unwrap();
    let key = created.data.as_ref().unwrap()[crds::runtime::SIGNING_KEY]
        .0
        .clone();
    let key = String::from_utf8(key).unwrap();
    assert_eq!(key.len(), 64);
    assert!(created.metadata.owner_references.is_none());
    assert!(!text(&plan).contains(&key));
    let debug = format!("{plan:?}");
    assert!(debug.contains("Keys { metadata: ") && !debug.contains(&key));
}

#[test]
fn a_generated_encryption_key_has_a_secret_of_its_own_and_stays_with_a_database() {
    let encrypted = QUICKSTART.replace("    auth:", "    encryption: {}\n    auth:");
    let chatbox = chatbox(&encrypted);
    let observed = observed_at_first(&chatbox);
    let plan = plan(&validate(&chatbox, &observed).unwrap());
    let created: Vec<_> = plan
        .new_secrets()
        .into_iter()
        .map(|secret| secret.metadata.name.clone().unwrap())
        .collect();
    assert_eq!(
        created,
        ["support-chatbox-keys", "support-chatbox-encryption"]
    );
    let keys = plan.encryption_key.as_ref().unwrap();
    let key = keys.create.as_ref().unwrap().data.as_ref().unwrap()["key"]
        .0
        .clone();
    let key = String::from_utf8(key).unwrap();
    assert!(
        crds::secret::encryption_key(key.as_bytes()).is_err(),
        "of the fixture"
    );
    assert!(!text(&plan).contains(&key) && !format!("{plan:?}").contains(&key));
    let config = &plan.config_map.data.as_ref().unwrap()["config.json"];
    let config = crds::Config::parse(config).unwrap().config;
    let named = config.encryption.unwrap().keys.unwrap();
    assert_eq!(named, [crate::names::encryption_key("support")]);

    let delete = encrypted.replace("spec:", "spec:\n  deletionPolicy: Delete");
    let mongodb = "mongodb: {uri: {name: mongodb, key: uri}, database: support}";
    for (yaml, expected) in [
        (delete.clone(), true),
        (delete.replace("sqlite: {}", mongodb), false),
        (encrypted.clone(), false),
    ] {
        let plan = fixtures::plan(&yaml);
        let metadata = plan.encryption_key.unwrap().metadata.metadata;
        assert_eq!(metadata.owner_references.is_some(), expected, "{yaml}");
    }
    let own = "encryption: {keys: [{id: k1, secret: {name: enc, key: k1}}]}";
    let own = fixtures::plan(&encrypted.replace("encryption: {}", own));
    assert!(own.encryption_key.is_none() && own.signing_key.is_some());
}

#[test]
fn retained_objects_are_owned_only_under_the_policy_delete() {
    for (policy, expected) in [("Retain", false), ("Delete", true)] {
        let yaml = QUICKSTART.replace("spec:", &format!("spec:\n  deletionPolicy: {policy}"));
        for object in objects(&yaml) {
            let is_owned = object.body["metadata"].get("ownerReferences").is_some();
            let expected = expected || !object.kind.is_retained();
            assert_eq!(is_owned, expected, "{policy} {}", object.kind);
        }
    }
}

/// A Helm chart named `chatbox` with a release `support` makes objects with the same recommended labels.
#[test]
fn pods_are_selected_by_our_own_label_alone() {
    let plan = fixtures::plan(QUICKSTART);
    let ours = meta::selector("support");
    let deployment = plan.deployment.spec.unwrap();
    assert_eq!(deployment.selector.match_labels, Some(ours.clone()));
    assert_eq!(plan.service.spec.unwrap().selector, Some(ours.clone()));
    assert_eq!(
        ours.into_iter().collect::<Vec<_>>(),
        [pair("chatbox.dev/name", "support")]
    );
    // Its Service selects by name and instance.
    let labels = deployment.template.metadata.unwrap().labels.unwrap();
    assert!(
        !labels.contains_key("app.kubernetes.io/instance"),
        "{labels:?}"
    );
}

/// Argo CD prunes what has the label by which it tracks an application and no owner.
#[test]
fn objects_without_an_owner_have_our_label_alone() {
    let chatbox = chatbox(QUICKSTART);
    let validated = validate(&chatbox, &observed_at_first(&chatbox)).unwrap();
    let plan = plan(&validated);
    let mut bodies: Vec<Value> = objects(QUICKSTART)
        .into_iter()
        .map(|object| object.body)
        .collect();
    let created = plan.new_secrets().into_iter();
    bodies.extend(created.map(|secret| serde_json::to_value(secret).unwrap()));
    let without_owner: Vec<_> = bodies
        .iter()
        .filter(|body| body["metadata"].get("ownerReferences").is_none())
        .collect();
    assert_eq!(without_owner.len(), 3);
    for body in without_owner {
        let expected = serde_json::json!({"chatbox.dev/name": "support"});
        assert_eq!(body["metadata"]["labels"], expected, "{}", body["kind"]);
        assert!(
            body["metadata"].get("annotations").is_none(),
            "{}",
            body["kind"]
        );
    }
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

/// Server-side apply would own these, and some of them would come back in another form.
#[test]
fn nothing_that_is_applied_is_null_or_empty() {
    fn check(value: &Value, path: &str) {
        let is_intended = path.ends_with(".emptyDir");
        let is_empty = match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        assert!(is_intended || !is_empty, "{path}");
        for (name, value) in value.as_object().into_iter().flatten() {
            check(value, &format!("{path}.{name}"));
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            check(value, &format!("{path}[{index}]"));
        }
    }
    let empty_dir = QUICKSTART.replace("{sqlite: {}}", "{sqlite: {volume: {emptyDir: {}}}}");
    let no_resources = QUICKSTART.replace("spec:", "spec:\n  resources: {}");
    for yaml in [QUICKSTART, FULL, &empty_dir, &no_resources] {
        for object in objects(yaml) {
            check(&object.body, object.kind.name());
        }
    }
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
#[test]
fn pods_keep_to_the_restricted_profile() {
    for yaml in [QUICKSTART, FULL] {
        let pod = pod(&fixtures::plan(yaml));
        assert!(pod.host_network.is_none() && pod.host_pid.is_none() && pod.host_ipc.is_none());
        let security = pod.security_context.unwrap();
        assert_eq!(security.run_as_non_root, Some(true));
        assert!(security.run_as_user.unwrap() > 0);
        assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault");
        assert!(security.sysctls.is_none());
        for container in pod.containers {
            let security = container.security_context.unwrap();
            assert_eq!(security.allow_privilege_escalation, Some(false));
            assert_eq!(security.capabilities.unwrap().drop.unwrap(), ["ALL"]);
            assert!(security.privileged.is_none());
            assert!(
                container
                    .ports
                    .unwrap()
                    .iter()
                    .all(|port| port.host_port.is_none())
            );
        }
        for volume in pod.volumes.unwrap() {
            let value = serde_json::to_value(&volume).unwrap();
            let kinds: Vec<&str> = value
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .filter(|key| *key != "name")
                .collect();
            let allowed = [
                "configMap",
                "emptyDir",
                "persistentVolumeClaim",
                "projected",
            ];
            assert!(kinds.iter().all(|kind| allowed.contains(kind)), "{kinds:?}");
        }
    }
}

#[test]
fn pods_have_neither_a_token_nor_a_writable_root() {
    let pod = pod(&fixtures::plan(QUICKSTART));
    assert_eq!(pod.automount_service_account_token, Some(false));
    let security = pod.containers[0].security_context.clone().unwrap();
    assert_eq!(security.read_only_root_filesystem, Some(true));
}

#[test]
fn a_secret_is_mounted_where_the_server_reads_it() {
    let pod = pod(&fixtures::plan(FULL));
    let chatbox = chatbox(FULL);
    let config = &chatbox.spec.as_ref().unwrap().config;
    let volumes = pod.volumes.unwrap();
    let sources = volumes
        .iter()
        .find_map(|volume| volume.projected.as_ref())
        .unwrap()
        .sources
        .clone()
        .unwrap();
    let paths: Vec<String> = sources
        .into_iter()
        .flat_map(|source| source.secret.unwrap().items.unwrap())
        .map(|item| format!("{}/{}", crds::runtime::SECRETS_DIR, item.path))
        .collect();
    let expected: std::collections::BTreeSet<String> = config
        .secrets()
        .into_iter()
        .map(|(_, secret, _)| {
            secret
                .path(crds::runtime::SECRETS_DIR.as_ref())
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(
        paths.into_iter().collect::<std::collections::BTreeSet<_>>(),
        expected
    );
    assert_eq!(expected.len(), 3);
}

#[test]
fn the_document_that_is_mounted_is_the_one_that_was_checked() {
    let chatbox = chatbox(FULL);
    let validated = validate(&chatbox, &observed(&chatbox)).unwrap();
    let data = plan(&validated).config_map.data.unwrap();
    let parsed = crds::Config::parse(&data[crds::runtime::CONFIG_KEY]).unwrap();
    assert_eq!(parsed.config, validated.config);
    assert!(parsed.unknown.is_empty());
}

#[test]
fn pods_come_after_what_they_need() {
    let kinds: Vec<Kind> = objects(QUICKSTART)
        .iter()
        .map(|object| object.kind)
        .collect();
    assert_eq!(kinds.last(), Some(&Kind::DEPLOYMENT));
    assert_eq!(kinds.len(), 6);
}

#[test]
fn the_url_is_where_the_service_leads() {
    let yaml = QUICKSTART.replace("spec:", "spec:\n  service: {port: 8000}");
    for (yaml, expected) in [
        (QUICKSTART, "http://support-chatbox.shop.svc/chatbox/"),
        (&yaml, "http://support-chatbox.shop.svc:8000/chatbox/"),
    ] {
        let chatbox = chatbox(yaml);
        let validated = validate(&chatbox, &observed(&chatbox)).unwrap();
        assert_eq!(service::url(&validated), expected);
    }
}

/// Only what is desired is compared: a name that no planned object has would never be found.
#[test]
fn what_is_replaced_for_excluding_ours_is_the_name_of_a_planned_field() {
    fn names(value: &Value, found: &mut BTreeSet<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            found.insert(name.clone());
            names(value, found);
        }
        for item in value.as_array().into_iter().flatten() {
            names(item, found);
        }
    }
    let mut planned = BTreeSet::new();
    for object in fixtures::plan(FULL).objects().unwrap() {
        names(&object.body, &mut planned);
    }
    for name in exclusive::REPLACED
        .iter()
        .chain([&exclusive::REPLACED_ITEMS, &exclusive::NAMED])
    {
        assert!(planned.contains(*name), "{name}");
    }
}
