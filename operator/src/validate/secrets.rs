//! Whether every secret key that the spec names is there and can be used.

use std::collections::BTreeMap;

use crds::{ChatboxSpec, Config, Problem, SecretRef};

use crate::observed::Secret;

/// Shorter keys make a signature that can be guessed.
const SIGNING_KEY_BYTES: usize = 32;

pub(super) fn check(
    spec: &ChatboxSpec,
    effective: &Config,
    secrets: &BTreeMap<String, Secret>,
) -> Vec<Problem> {
    let own_keys = spec.config.auth.hs256.is_some();
    let mut problems: Vec<Problem> = effective
        .secrets()
        .into_iter()
        .filter_map(|(path, secret)| {
            let signs = path.starts_with("auth.hs256.");
            let generated = signs && !own_keys;
            let message = message(secret, secrets.get(&secret.name)?, signs, generated)?;
            // The author never wrote the path of a generated key.
            let path = if generated {
                "auth.hs256".to_owned()
            } else {
                path
            };
            Some(Problem::new(path, message).under("spec.config"))
        })
        .collect();
    problems.sort();
    problems
}

fn message(secret: &SecretRef, found: &Secret, signs: bool, generated: bool) -> Option<String> {
    let SecretRef { name, key } = secret;
    let remedy = if generated {
        "delete the secret to have a new one made".to_owned()
    } else {
        format!("add key {key:?}")
    };
    let values = match found {
        Secret::Unknown => return None,
        Secret::Missing => {
            return Some(format!(
                "secret {name:?} does not exist; create it with key {key:?}"
            ));
        }
        Secret::Foreign => {
            return Some(format!(
                "secret {name:?} exists but was not made for this chatbox; delete it, or label it \
                 app.kubernetes.io/managed-by=chatbox-operator and app.kubernetes.io/instance to have it used"
            ));
        }
        Secret::Found(values) => values,
    };
    let Some(value) = values.get(key) else {
        return Some(format!("secret {name:?} has no key {key:?}; {remedy}"));
    };
    let length = value.expose().trim_ascii_end().len();
    if length == 0 {
        return Some(format!("key {key:?} of secret {name:?} is empty; {remedy}"));
    }
    if signs && length < SIGNING_KEY_BYTES {
        return Some(format!(
            "key {key:?} of secret {name:?} is shorter than {SIGNING_KEY_BYTES} bytes; use a longer one, \
             for example from `openssl rand -hex 32`"
        ));
    }
    None
}
