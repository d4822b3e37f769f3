//! The files by which the connection is encrypted. They are looked at before the driver reads them: its own words name
//! neither the field nor the file.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use crds::SecretRef;
use crds::config::MongoDbTls;
use mongodb::options::TlsOptions;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::secrets;

pub(super) fn options(tls: &MongoDbTls, root: &Path) -> anyhow::Result<TlsOptions> {
    let mut options = TlsOptions::default();
    if let Some(ca) = &tls.ca {
        check(ca, root, false).context("storage.mongodb.tls.ca")?;
        options.ca_file_path = Some(ca.path(root));
    }
    if let Some(certificate) = &tls.certificate {
        check(certificate, root, true).context("storage.mongodb.tls.certificate")?;
        options.cert_key_file_path = Some(certificate.path(root));
    }
    Ok(options)
}

fn check(reference: &SecretRef, root: &Path, needs_key: bool) -> anyhow::Result<()> {
    let pem = secrets::read_pem(root, reference)?;
    let place = || format!("{reference} at {}", reference.path(root).display());
    let unreadable = || {
        anyhow!(
            "{} holds a certificate that cannot be read; write each of them whole, from -----BEGIN CERTIFICATE----- to \
             -----END CERTIFICATE-----",
            place()
        )
    };
    let mut certificates = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unreadable())?;
        let read = RootCertStore::empty().add(certificate);
        read.map_err(|_| unreadable())?;
        certificates += 1;
    }
    ensure!(
        certificates > 0,
        "{} holds no certificate; write it as PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----",
        place()
    );
    ensure!(
        !needs_key || PrivateKeyDer::from_pem_slice(&pem).is_ok(),
        "{} holds no private key; write that of the certificate behind it, as PEM without a password",
        place()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CERTIFICATE: &str = include_str!("tls/certificate.pem");

    /// What is said of a file with this content, or of none.
    fn error(field: &str, content: Option<&str>) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("tls")).unwrap();
        if let Some(content) = content {
            std::fs::write(root.path().join("tls/pem"), content).unwrap();
        }
        let tls = json!({field: {"name": "tls", "key": "pem"}});
        let error = options(&serde_json::from_value(tls).unwrap(), root.path()).err()?;
        let error = format!("{error:#}");
        let start = format!("storage.mongodb.tls.{field}: ");
        assert!(error.starts_with(&start), "{error}");
        let path = root.path().join("tls/pem").display().to_string();
        assert!(error.contains(&path), "{error}");
        Some(error)
    }

    #[test]
    fn a_file_that_is_no_pem_is_told_by_its_field_and_path() {
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let cut = &CERTIFICATE[..CERTIFICATE.len() / 2];
        let both = format!("{CERTIFICATE}{key}");
        for (field, content, expected) in [
            ("ca", None, "cannot read key \"pem\" of secret \"tls\""),
            ("ca", Some(""), "is empty"),
            ("ca", Some("hunter2"), "is no PEM"),
            ("ca", Some(key), "holds no certificate"),
            ("ca", Some(garbage), "cannot be read"),
            ("ca", Some(cut), "certificate"),
            ("certificate", None, "cannot read"),
            ("certificate", Some(CERTIFICATE), "holds no private key"),
        ] {
            let error = error(field, content).unwrap();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(error("ca", Some(CERTIFICATE)), None);
        assert_eq!(error("certificate", Some(&both)), None);
    }
}
