//! Keys, certificates, tokens and kubeconfigs: made anew for every cluster, useless beside it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::json;

mod certificates;

/// Who may speak to the API server, and as whom: each with the rights that Kubernetes itself gives to that name.
const IDENTITIES: [(&str, &str); 4] = [
    ("admin", "system:masters"),
    ("system:kube-scheduler", ""),
    ("system:kube-proxy", ""),
    ("system:node:node1", "system:nodes"),
];

/// The folder with everything that proves who is who.
#[derive(Clone, Debug)]
pub struct Credentials {
    dir: PathBuf,
}

impl Credentials {
    /// Makes what is missing. What is there already stays, because running programs have read it.
    pub fn ensure(dir: &Path, addresses: &[IpAddr], server: &str) -> Result<Self> {
        let credentials = Self {
            dir: dir.to_owned(),
        };
        // Written last, so that a folder with this file is whole.
        if credentials.kubeconfig("admin").exists() {
            return Ok(credentials);
        }
        fs::create_dir_all(dir)?;
        for file in certificates::make(addresses)? {
            write(&dir.join(file.name), &file.pem)?;
        }
        credentials.identities(server)?;
        Ok(credentials)
    }

    /// A file of this folder, as a program's argument.
    pub fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// The kubeconfig of one identity.
    pub fn kubeconfig(&self, identity: &str) -> PathBuf {
        self.dir
            .join(format!("{}.kubeconfig", identity.replace(':', "-")))
    }

    fn identities(&self, server: &str) -> Result<()> {
        let mut tokens = String::new();
        for (name, group) in IDENTITIES.iter().rev() {
            let token = format!("{:032x}", rand::random::<u128>());
            tokens = format!("{tokens}{token},{name},{name},\"{group}\"\n");
            write(&self.dir.join("tokens.csv"), &tokens)?;
            let text = kubeconfig_text(server, &self.file("ca.crt"), name, &token);
            write(&self.kubeconfig(name), &text)?;
        }
        Ok(())
    }
}

/// JSON is YAML, and needs no writer of its own.
fn kubeconfig_text(server: &str, ca: &str, user: &str, token: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "chatbox", "cluster": {"server": server, "certificate-authority": ca}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "chatbox", "context": {"cluster": "chatbox", "user": user}}],
        "current-context": "chatbox",
    })
    .to_string()
}

/// Writes a file that only its owner reads.
fn write(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_there_stays_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let ensure = || Credentials::ensure(dir.path(), &[], "https://127.0.0.1:1").unwrap();
        let admin = ensure().kubeconfig("admin");
        let before = fs::read(&admin).unwrap();
        ensure();
        assert_eq!(fs::read(&admin).unwrap(), before);
        for entry in fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
        }
    }
}
