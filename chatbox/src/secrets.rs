//! Secret values: read from files, kept in a type that does not show them.

use std::fmt;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use crds::secret::{KEY_BYTES, Use, encryption_key, usable};
use crds::{Config, Problem, SecretRef};

/// A secret value. It shows itself in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for the one place that must send or use it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A key that signs tokens. It shows itself in no log.
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The key as it is, and as those have it who leave out the white space around it, such as the line break that an
    /// editor adds. Mostly they are the same.
    pub fn expose(&self) -> impl Iterator<Item = &[u8]> {
        let trimmed = self.0.trim_ascii();
        std::iter::once(&self.0[..]).chain((trimmed != self.0).then_some(trimmed))
    }
}

/// The value behind a reference, to be sent to somebody else.
///
/// # Errors
/// When there is none, or it cannot be used; the error names the reference and never the value.
pub fn read(root: &Path, reference: &SecretRef) -> anyhow::Result<Secret> {
    read_text(root, reference, Use::Bearer)
}

/// The address of a MongoDB behind a reference; it holds a password.
///
/// # Errors
/// When there is none, or it cannot be used; the error names the reference and never the value.
pub fn read_mongodb_uri(root: &Path, reference: &SecretRef) -> anyhow::Result<Secret> {
    read_text(root, reference, Use::MongoDbUri)
}

/// The key behind a reference.
///
/// # Errors
/// When there is none, or it cannot be used; the error names the reference and never the value.
pub fn read_signing_key(root: &Path, reference: &SecretRef) -> anyhow::Result<SigningKey> {
    read_bytes(root, reference, Use::Signing).map(SigningKey)
}

/// The encryption key behind a reference.
///
/// # Errors
/// When there is none, or it cannot be used; the error names the reference and never the value.
pub fn read_encryption_key(root: &Path, reference: &SecretRef) -> anyhow::Result<[u8; KEY_BYTES]> {
    let value = read_bytes(root, reference, Use::Encryption)?;
    encryption_key(&value).map_err(|problem| anyhow!("{reference} {problem}"))
}

/// Certificates, or a certificate and its key, behind a reference.
///
/// # Errors
/// When there are none; the error names the reference and never the value.
pub fn read_pem(root: &Path, reference: &SecretRef) -> anyhow::Result<Vec<u8>> {
    read_bytes(root, reference, Use::Pem)
}

/// What is wrong with the secrets that a document names.
pub fn problems(root: &Path, config: &Config) -> Vec<Problem> {
    let secrets = config.secrets().into_iter();
    let problem = |(field, reference, use_)| {
        let error = read_bytes(root, reference, use_).err()?;
        Some(Problem::new(field, format!("{error:#}")))
    };
    secrets.filter_map(problem).collect()
}

fn read_text(root: &Path, reference: &SecretRef, use_: Use) -> anyhow::Result<Secret> {
    let bytes = read_bytes(root, reference, use_)?;
    let text = String::from_utf8(bytes).context("it is text, or it was not usable")?;
    Ok(Secret(text))
}

fn read_bytes(root: &Path, reference: &SecretRef, use_: Use) -> anyhow::Result<Vec<u8>> {
    let path = reference.path(root);
    let bytes = std::fs::read(&path).with_context(|| {
        format!(
            "cannot read {reference} at {}; put it there, or name another directory of secrets with --secrets",
            path.display()
        )
    })?;
    match usable(&bytes, use_) {
        Ok(value) => Ok(value.to_owned()),
        Err(problem) => bail!("{reference} at {} {problem}", path.display()),
    }
}
