//! The digest of secret values. It is kept between reconciles, and the values are not.

use aws_lc_rs::{digest as sha, hmac};
use crds::{Config, SecretRef};

use crate::hex::hex;

/// Bytes of the config hash that are kept: enough to tell any two apart.
const BYTES: usize = 16;

/// A keyed digest of the secret values that a config references.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretsDigest(Vec<u8>);

/// The digest of all values, if all are known.
///
/// What is derived from it is public: annotations and the status are. So it must not help anybody guess a weak value. It
/// is keyed with the first signing key, which is secret and at least 32 bytes long.
pub(super) fn digest<'a>(
    config: &Config,
    value: impl Fn(&SecretRef) -> Option<&'a [u8]>,
) -> Option<SecretsDigest> {
    let signing = config.auth.hs256.as_ref()?.keys.first()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, value(signing)?);
    let mut context = hmac::Context::with_key(&key);
    for (_, secret, _) in config.secrets() {
        for part in [
            secret.name.as_bytes(),
            secret.key.as_bytes(),
            value(secret)?,
        ] {
            // With its length before it, no part can be read as two.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
    }
    Some(SecretsDigest(context.sign().as_ref().to_vec()))
}

impl SecretsDigest {
    /// The digest of a config and of the values that it references. Its change rolls the pods, and nothing else about
    /// the config or the Secrets does.
    pub fn config_hash(&self, config_map: &str) -> String {
        let mut context = sha::Context::new(&sha::SHA256);
        context.update(&self.0);
        context.update(config_map.as_bytes());
        hex(&context.finish().as_ref()[..BYTES])
    }
}

impl std::fmt::Debug for SecretsDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<keyed digest>")
    }
}
