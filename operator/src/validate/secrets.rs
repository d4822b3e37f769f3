//! Whether every secret key that the spec names is there and can be used.

use std::collections::BTreeMap;

use crds::secret::{self, Use};
use crds::{ChatboxSpec, Config, Problem, SecretRef};

use crate::observed::Secret;

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
            let use_ = if path.starts_with("auth.hs256.") {
                Use::Signing
            } else {
                Use::Bearer
            };
            let generated = use_ == Use::Signing && !own_keys;
            let message = message(secret, secrets.get(&secret.name)?, use_, generated)?;
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

fn message(reference: &SecretRef, found: &Secret, use_: Use, generated: bool) -> Option<String> {
    let SecretRef { name, key } = reference;
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
        let remedy = if generated {
            "delete the secret to have a new one made".to_owned()
        } else {
            format!("add key {key:?}")
        };
        return Some(format!("secret {name:?} has no key {key:?}; {remedy}"));
    };
    let reason = secret::usable(value.expose(), use_).err()?;
    let or_anew = if generated {
        ", or delete the secret to have a new one made"
    } else {
        ""
    };
    Some(format!("key {key:?} of secret {name:?} {reason}{or_anew}"))
}
