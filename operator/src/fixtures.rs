//! Chatboxes for tests.

use std::collections::BTreeMap;

use crds::secret::Use;

use crate::cache::{CachedObject, Detail};
use crate::guarded::GuardedChatbox;
use crate::kind::{Availability, Definition, Kind, Role, Watch};
use crate::namespaced_name::NamespacedName;
use crate::observed::{NewKeys, Observed};
use crate::plan::{self, Object, Plan};
use crate::secrets::{self, GeneratedKey, ResolvedSecrets, Secret, Value};
use crate::stored::Stored;
use crate::validate::{Findings, ValidatedChatbox};

pub(crate) const QUICKSTART: &str = "
metadata: {name: support, namespace: shop, uid: u-1, generation: 1, resourceVersion: '1'}
spec:
  config:
    auth: {guests: {}}
    models: [{id: demo, name: Demo, demo: {}}]
    storage: {sqlite: {}}
";

/// A kind whose API may be absent, with the name of one that never is.
pub(crate) const OPTIONAL: Kind = Kind::new(&Definition {
    group: "optional.example",
    version: "v1",
    name: "Service",
    plural: "services",
    role: Role::Managed,
    watch: Watch::Labelled,
    api: Availability::Optional,
});

/// Every field of a spec.
pub(crate) const FULL: &str = "
metadata: {name: full, namespace: shop, uid: u-2, generation: 7, resourceVersion: '2'}
spec:
  image: registry.example/chatbox:1.2.3
  replicas: 0
  resources: {requests: {cpu: 1000m, memory: 1024Ki}, limits: {memory: 2048Mi}}
  service: {type: NodePort, port: 8000, nodePort: 30080, annotations: {example.com/zone: a}}
  deletionPolicy: Delete
  config:
    server: {pathPrefix: /help/chat, drainSeconds: 120}
    auth: {hs256: {keys: [{name: jwt, key: new}, {name: jwt, key: old}]}}
    models:
      - {id: fast, name: Fast, openai: {model: m-1, apiKey: {name: llm, key: openai}}}
    storage: {sqlite: {volume: {claim: {size: 2048Mi, storageClassName: ssd}}}}
";

pub(crate) fn chatbox(yaml: &str) -> GuardedChatbox {
    serde_saphyr::from_str(yaml).unwrap()
}

/// `QUICKSTART` as it is known in a cluster.
pub(crate) fn stored() -> Stored {
    chatbox(QUICKSTART).stored().unwrap()
}

/// A name in the namespace of the Chatboxes above.
pub(crate) fn key(name: &str) -> NamespacedName {
    NamespacedName {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

/// Every Secret of the Chatbox, with a value that is usable.
pub(crate) fn secrets(chatbox: &GuardedChatbox) -> BTreeMap<String, Secret> {
    let spec = chatbox.spec.as_ref().unwrap();
    let config = secrets::effective_config(&chatbox.namespaced_name().name, spec);
    let mut secrets: BTreeMap<String, Secret> = BTreeMap::new();
    for (_, secret, use_) in config.secrets() {
        let text = match use_ {
            Use::Signing | Use::Bearer => format!(
                "{}-{}-0123456789abcdef0123456789abcdef",
                secret.name, secret.key
            ),
            Use::MongoDbUri => "mongodb://user:password@mongodb".to_owned(),
            Use::Pem => "-----BEGIN CERTIFICATE-----".to_owned(),
            Use::Encryption => {
                "9f1c07e25ab84d3366c0f1e87a2b95d4013fce8826745ab9d0e19c3b7f5a6e42".to_owned()
            }
        };
        set(&mut secrets, &secret.name, &secret.key, text.as_bytes());
    }
    secrets
}

pub(crate) fn set(secrets: &mut BTreeMap<String, Secret>, name: &str, key: &str, value: &[u8]) {
    let values = BTreeMap::from([(key.to_owned(), Value::new(value.to_vec()))]);
    match secrets.get_mut(name) {
        Some(Secret::Found(found)) => found.extend(values),
        _ => drop(secrets.insert(name.to_owned(), Secret::Found(values))),
    }
}

pub(crate) fn resolve(
    chatbox: &GuardedChatbox,
    secrets: &BTreeMap<String, Secret>,
) -> ResolvedSecrets {
    let spec = chatbox.spec.as_ref().unwrap();
    let config = secrets::effective_config(&chatbox.namespaced_name().name, spec);
    secrets::resolve(spec, &config, secrets)
}

/// A cluster in which every Secret of the Chatbox exists and is usable.
pub(crate) fn observed(chatbox: &GuardedChatbox) -> Observed {
    Observed {
        release_image: "chatbox:0.1.0".to_owned(),
        secrets: resolve(chatbox, &secrets(chatbox)),
        ..Observed::default()
    }
}

/// The same before the generated keys exist.
pub(crate) fn observed_at_first(chatbox: &GuardedChatbox) -> Observed {
    Observed {
        new_keys: NewKeys {
            signing: Some(GeneratedKey::new(&[15; 32])),
            encryption: Some(GeneratedKey::new(&[16; 32])),
        },
        ..observed(chatbox)
    }
}

pub(crate) fn validate(
    chatbox: &GuardedChatbox,
    observed: &Observed,
) -> Result<ValidatedChatbox, Findings> {
    let spec = chatbox.spec.as_ref().unwrap();
    crate::validate::validate(&chatbox.identity(), spec, observed)
}

pub(crate) fn plan(yaml: &str) -> Plan {
    let chatbox = chatbox(yaml);
    plan::plan(&validate(&chatbox, &observed(&chatbox)).unwrap())
}

pub(crate) fn objects(yaml: &str) -> Vec<Object> {
    plan(yaml).objects().unwrap()
}

/// An object of which only the detail matters.
pub(crate) fn cached(detail: Detail) -> CachedObject {
    CachedObject {
        uid: "object".to_owned(),
        version: 1,
        owner: None,
        owners: vec![],
        owning_chatbox: None,
        label: None,
        terminating: false,
        managed: false,
        written_here: false,
        applied: None,
        detail,
    }
}
