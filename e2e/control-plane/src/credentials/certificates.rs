//! The certificates of a cluster, all from one authority that is forgotten once they are made.

use std::net::IpAddr;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};

/// A file as a program reads it.
pub(super) struct File {
    pub(super) name: String,
    pub(super) pem: String,
}

/// Common name, organisation and file name of each certificate. The organisation is a group of Kubernetes.
const SIGNED: [(&str, &str, &str); 3] = [
    ("kube-apiserver", "", "apiserver"),
    ("node1", "", "kubelet"),
    ("kube-apiserver", "system:masters", "kubelet-client"),
];

/// Makes the certificates of servers at these addresses, and the key pair that signs tokens of service accounts.
pub(super) fn make(addresses: &[IpAddr]) -> Result<Vec<File>> {
    let authority = CertifiedIssuer::self_signed(authority()?, KeyPair::generate()?)?;
    let mut files = vec![file("ca.crt", authority.pem())];
    for (name, organisation, stem) in SIGNED {
        let key = KeyPair::generate()?;
        let params = signed(name, organisation, addresses)?;
        let certificate = params.signed_by(&key, &authority)?;
        files.push(file(&format!("{stem}.crt"), certificate.pem()));
        files.push(file(&format!("{stem}.key"), key.serialize_pem()));
    }
    let accounts = KeyPair::generate()?;
    files.push(file("service-account.pub", accounts.public_key_pem()));
    files.push(file("service-account.key", accounts.serialize_pem()));
    Ok(files)
}

fn file(name: &str, pem: String) -> File {
    File {
        name: name.to_owned(),
        pem,
    }
}

fn authority() -> Result<CertificateParams> {
    let mut params = CertificateParams::new([])?;
    params
        .distinguished_name
        .push(DnType::CommonName, "chatbox-cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn signed(name: &str, organisation: &str, addresses: &[IpAddr]) -> Result<CertificateParams> {
    let names = ["localhost", "kubernetes.default.svc"].map(ToOwned::to_owned);
    let mut params = CertificateParams::new(names)?;
    let addresses = addresses.iter().copied().map(SanType::IpAddress);
    params.subject_alt_names.extend(addresses);
    params.distinguished_name.push(DnType::CommonName, name);
    if !organisation.is_empty() {
        params
            .distinguished_name
            .push(DnType::OrganizationName, organisation);
    }
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    Ok(params)
}
