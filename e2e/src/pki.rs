//! Keys, certificates, tokens and kubeconfigs: made anew for every cluster, useless beside it.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    net::IpAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::json;

use crate::command::run;

/// Who may speak to the API server, and as whom: each with the rights that Kubernetes itself gives to that name.
const IDENTITIES: [(&str, &str); 4] = [
    ("admin", "system:masters"),
    ("system:kube-scheduler", ""),
    ("system:kube-proxy", ""),
    ("system:node:node1", "system:nodes"),
];

/// The folder with everything that proves who is who.
#[derive(Clone, Debug)]
pub struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// Makes what is missing. What is there already stays, because running programs have read it.
    pub fn ensure(dir: &Path, addresses: &[IpAddr], server: &str) -> Result<Self> {
        let pki = Self {
            dir: dir.to_owned(),
        };
        // Written last, so that a folder with this file is whole.
        if pki.kubeconfig("admin").exists() {
            return Ok(pki);
        }
        fs::create_dir_all(dir)?;
        pki.certificates(addresses)?;
        pki.identities(server)?;
        Ok(pki)
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

    fn certificates(&self, addresses: &[IpAddr]) -> Result<()> {
        let names = addresses.iter().map(|address| format!("IP:{address}"));
        let names: Vec<String> = names
            .chain(["DNS:localhost".into(), "DNS:kubernetes.default.svc".into()])
            .collect();
        let config = self.dir.join("openssl.cnf");
        fs::write(&config, openssl_config(&names.join(",")))?;
        self.certificate(&config, "ca", "/CN=chatbox-cluster", &["-extensions", "ca"])?;
        let signed = [
            "-extensions",
            "leaf",
            "-CA",
            &self.file("ca.crt"),
            "-CAkey",
            &self.file("ca.key"),
        ];
        self.certificate(&config, "apiserver", "/CN=kube-apiserver", &signed)?;
        self.certificate(&config, "kubelet", "/CN=node1", &signed)?;
        self.certificate(
            &config,
            "kubelet-client",
            "/O=system:masters/CN=kube-apiserver",
            &signed,
        )?;
        self.certificate(&config, "service-account", "/CN=service-account", &signed)
    }

    fn certificate(&self, config: &Path, name: &str, subject: &str, extra: &[&str]) -> Result<()> {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "3650",
        ]);
        openssl
            .arg("-config")
            .arg(config)
            .args(["-subj", subject])
            .args(extra);
        openssl.args([
            "-keyout",
            &self.file(&format!("{name}.key")),
            "-out",
            &self.file(&format!("{name}.crt")),
        ]);
        run(&mut openssl).map(drop)
    }

    fn identities(&self, server: &str) -> Result<()> {
        let mut tokens = String::new();
        for (name, group) in IDENTITIES.iter().rev() {
            let token = token()?;
            tokens = format!("{tokens}{token},{name},{name},\"{group}\"\n");
            let kubeconfig = self.kubeconfig(name);
            secret(&self.dir.join("tokens.csv"), &tokens)?;
            secret(
                &kubeconfig,
                &kubeconfig_text(server, &self.file("ca.crt"), name, &token),
            )?;
        }
        Ok(())
    }
}

fn openssl_config(names: &str) -> String {
    format!(
        "[req]\ndistinguished_name = dn\n[dn]\n\
         [ca]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n\
         [leaf]\nbasicConstraints = critical,CA:FALSE\nextendedKeyUsage = serverAuth,clientAuth\n\
         authorityKeyIdentifier = keyid\nsubjectAltName = {names}\n"
    )
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

fn token() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn secret(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
