//! Secret values: read from files, kept in a type that does not show them.

use std::fmt;
use std::path::Path;

use anyhow::{Context, bail};
use crds::SecretRef;
use crds::secret::{Use, usable};

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

/// The value behind a reference.
///
/// # Errors
/// When there is none, or it cannot be used; the error names the reference and never the value.
pub fn read(root: &Path, reference: &SecretRef, use_: Use) -> anyhow::Result<Secret> {
    let path = reference.path(root);
    let bytes = std::fs::read(&path)
        .with_context(|| format!("cannot read {reference} at {}", path.display()))?;
    match usable(&bytes, use_) {
        Ok(value) => Ok(Secret(value.to_owned())),
        Err(problem) => bail!("{reference} {problem}"),
    }
}
