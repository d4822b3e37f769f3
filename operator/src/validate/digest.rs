//! The name of what a pod runs with: its change, and nothing else about config or secrets, rolls the pods.

use aws_lc_rs::hmac;
use crds::Config;

use crate::hex::hex;
use crate::observed::Observed;

/// Bytes of the digest that are kept: enough to tell any two apart.
const BYTES: usize = 16;

/// A digest of the config and of the values of the secret keys that it names.
///
/// It is public (annotations and status are), so it must not help anybody guess a weak value. It is keyed with the
/// first signing key, which no outsider has, and which is at least 32 bytes long.
pub(super) fn digest(config_map: &str, config: &Config, observed: &Observed) -> Option<String> {
    let signing = config.auth.hs256.as_ref()?.keys.first()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, observed.value(signing)?);
    let mut context = hmac::Context::with_key(&key);
    let mut add = |part: &[u8]| {
        // With its length before it, no part can be read as two.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    };
    add(config_map.as_bytes());
    for (_, secret) in config.secrets() {
        add(secret.name.as_bytes());
        add(secret.key.as_bytes());
        add(observed.value(secret)?);
    }
    Some(hex(&context.sign().as_ref()[..BYTES]))
}
