//! Chatboxes for tests.

use std::collections::BTreeMap;

use crate::cache::cached_object::{CachedObject, Detail};
use crate::guarded::GuardedChatbox;
use crate::observed::{Observed, Secret, SigningKey, Value};
use crate::plan::{self, Plan};
use crate::validate::{Findings, ValidatedChatbox, validate};

pub(crate) const QUICKSTART: &str = "
metadata: {name: support, namespace: shop, uid: u-1, generation: 1}
spec:
  config:
    auth: {guests: {}}
    models: [{id: demo, name: Demo, demo: {}}]
    storage: {sqlite: {}}
";

/// Everything that a spec can say.
pub(crate) const FULL: &str = "
metadata: {name: full, namespace: shop, uid: u-2, generation: 7}
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

pub(crate) fn watched(yaml: &str) -> GuardedChatbox {
    serde_saphyr::from_str(yaml).unwrap()
}

/// A cluster in which every Secret of the Chatbox exists and fits.
pub(crate) fn observed(watched: &GuardedChatbox) -> Observed {
    let spec = watched.spec.as_ref().unwrap();
    let config = crate::validate::effective(&watched.namespaced_name().name, spec);
    let mut secrets: BTreeMap<String, Secret> = BTreeMap::new();
    for (_, secret) in config.secrets() {
        let found = secrets
            .entry(secret.name.clone())
            .or_insert_with(|| Secret::Found(BTreeMap::new()));
        if let Secret::Found(values) = found {
            let text = format!(
                "{}-{}-0123456789abcdef0123456789abcdef",
                secret.name, secret.key
            );
            values.insert(secret.key.clone(), Value::new(text.into_bytes()));
        }
    }
    Observed {
        release_image: "chatbox:0.1.0".to_owned(),
        secrets,
        ..Observed::default()
    }
}

/// The same before the generated key exists.
pub(crate) fn observed_at_first(watched: &GuardedChatbox) -> Observed {
    Observed {
        new_key: Some(SigningKey::new(&[15; 32])),
        ..observed(watched)
    }
}

pub(crate) fn set(observed: &mut Observed, name: &str, key: &str, value: &str) {
    let values = BTreeMap::from([(key.to_owned(), Value::new(value.into()))]);
    match observed.secrets.get_mut(name) {
        Some(Secret::Found(found)) => found.extend(values),
        _ => drop(
            observed
                .secrets
                .insert(name.to_owned(), Secret::Found(values)),
        ),
    }
}

pub(crate) fn valid(
    watched: &GuardedChatbox,
    observed: &Observed,
) -> Result<ValidatedChatbox, Findings> {
    validate(
        &watched.identity(),
        watched.spec.as_ref().unwrap(),
        observed,
    )
}

pub(crate) fn plan(yaml: &str) -> Plan {
    let watched = watched(yaml);
    plan::plan(&valid(&watched, &observed(&watched)).unwrap())
}

/// An object of which only the detail matters.
pub(crate) fn child(detail: Detail) -> CachedObject {
    CachedObject {
        uid: String::new(),
        version: 1,
        owner: None,
        instance: None,
        terminating: false,
        owned: None,
        detail,
    }
}
