//! A short name for content.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Names content so that other content gets another name.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.part(text.as_bytes());
        self
    }

    pub fn file(mut self, path: &Path) -> Result<Self> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.part(&content);
        Ok(self)
    }

    /// Sixteen hexadecimal digits.
    pub fn name(self) -> String {
        let digest = self.0.finalize();
        digest
            .iter()
            .take(8)
            .fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
    }

    /// The length goes in too, so that moving the border between two parts is another content.
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_between_parts_count() {
        let name = |parts: [&str; 2]| {
            parts
                .iter()
                .fold(Fingerprint::default(), |print, part| print.text(part))
                .name()
        };
        assert_eq!(name(["a", "bc"]).len(), 16);
        assert_ne!(name(["a", "bc"]), name(["ab", "c"]));
    }
}
