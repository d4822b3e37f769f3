//! Secret values: read from files, kept in a type that does not show them.

use std::fmt;
use std::path::Path;

use anyhow::{Context, ensure};
use crds::SecretRef;

/// Larger than any key; a secret beyond that is another file by mistake.
const MAX_BYTES: usize = 64 * 1024;

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

/// The value behind a reference, without the white space that editors leave at its end.
pub fn read(root: &Path, reference: &SecretRef) -> anyhow::Result<Secret> {
    let path = reference.path(root);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {reference} at {}", path.display()))?;
    let value = text.trim();
    ensure!(
        !value.is_empty(),
        "{reference} is empty; put the value into it"
    );
    ensure!(
        value.len() <= MAX_BYTES,
        "{reference} is larger than {MAX_BYTES} bytes; it is no key"
    );
    ensure!(
        !value.contains(char::is_control),
        "{reference} holds line breaks or control characters; it is no key"
    );
    Ok(Secret(value.to_owned()))
}
