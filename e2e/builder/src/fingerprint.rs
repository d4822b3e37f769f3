//! A short name for content.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

    /// The name of every file below a folder, without the entries of these names.
    pub fn of_tree(dir: &Path, without: &[&str]) -> Result<String> {
        let mut files = Vec::new();
        collect(dir, without, &mut files)?;
        files.sort();
        files
            .iter()
            .try_fold(Self::default(), |print, file| {
                print.text(&file.to_string_lossy()).file(file)
            })
            .map(Self::name)
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

fn collect(dir: &Path, without: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if without.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), without, files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
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
