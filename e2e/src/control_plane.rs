//! etcd, API server, controllers and scheduler: of the machine's cluster, or alone for a test.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;

use crate::{
    kubectl::Kubectl,
    part::Part,
    pki::Pki,
    ports::{NODE, Ports},
};

mod alone;
pub use alone::ControlPlane;

/// How long a part may take to answer on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

const POD_NETWORK: &str = "10.244.0.0/16";
const SERVICE_NETWORK: &str = "10.96.0.0/16";

/// The address of the API server among the Services.
const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// One control plane: where its data lies, where it listens, which programs it is.
#[derive(Clone, Debug)]
pub struct Plane {
    dir: PathBuf,
    tools: PathBuf,
    address: Ipv4Addr,
    ports: Ports,
    pub pki: Pki,
}

impl Plane {
    /// Prepares the folder `dir`; nothing runs yet.
    pub fn new(dir: &Path, tools: &Path, address: Ipv4Addr, ports: Ports) -> Result<Self> {
        let server = format!("https://{address}:{}", ports.api);
        let addresses = [address, Ipv4Addr::LOCALHOST, SERVICE].map(IpAddr::V4);
        let pki = Pki::ensure(&dir.join("pki"), &addresses, &server)?;
        Ok(Self {
            dir: dir.to_owned(),
            tools: tools.to_owned(),
            address,
            ports,
            pki,
        })
    }

    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(&self.tools.join("kubectl"), &self.pki.kubeconfig("admin"))
    }

    pub fn etcd(&self) -> Part {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd);
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        let data = self.dir.join("etcd");
        self.part(
            "etcd",
            vec![
                format!("--data-dir={}", data.display()),
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
                // The data lives as long as the cluster, so there is no power cut to survive.
                "--unsafe-no-fsync".into(),
                "--log-level=warn".into(),
            ],
        )
    }

    pub fn apiserver(&self) -> Part {
        let pki = &self.pki;
        self.part(
            "kube-apiserver",
            vec![
                format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd),
                format!("--bind-address={}", self.address),
                format!("--secure-port={}", self.ports.api),
                // The endpoint of the Service `kubernetes`, which may not be a loopback address.
                format!("--advertise-address={NODE}"),
                format!("--tls-cert-file={}", pki.file("apiserver.crt")),
                format!("--tls-private-key-file={}", pki.file("apiserver.key")),
                format!("--token-auth-file={}", pki.file("tokens.csv")),
                "--authorization-mode=Node,RBAC".into(),
                format!(
                    "--service-account-key-file={}",
                    pki.file("service-account.crt")
                ),
                format!(
                    "--service-account-signing-key-file={}",
                    pki.file("service-account.key")
                ),
                "--service-account-issuer=https://kubernetes.default.svc".into(),
                format!("--service-cluster-ip-range={SERVICE_NETWORK}"),
                format!("--kubelet-certificate-authority={}", pki.file("ca.crt")),
                format!(
                    "--kubelet-client-certificate={}",
                    pki.file("kubelet-client.crt")
                ),
                format!("--kubelet-client-key={}", pki.file("kubelet-client.key")),
                "--kubelet-preferred-address-types=InternalIP".into(),
            ],
        )
    }

    pub fn controllers(&self) -> Part {
        let pki = &self.pki;
        self.part(
            "kube-controller-manager",
            vec![
                // As an admin: an account of its own for each controller costs five seconds at every start.
                format!("--kubeconfig={}", pki.kubeconfig("admin").display()),
                "--leader-elect=false".into(),
                "--secure-port=0".into(),
                format!(
                    "--service-account-private-key-file={}",
                    pki.file("service-account.key")
                ),
                format!("--root-ca-file={}", pki.file("ca.crt")),
                "--allocate-node-cidrs".into(),
                format!("--cluster-cidr={POD_NETWORK}"),
                format!("--service-cluster-ip-range={SERVICE_NETWORK}"),
            ],
        )
    }

    pub fn scheduler(&self) -> Part {
        let kubeconfig = self.pki.kubeconfig("system:kube-scheduler");
        self.part(
            "kube-scheduler",
            vec![
                format!("--kubeconfig={}", kubeconfig.display()),
                "--leader-elect=false".into(),
                "--secure-port=0".into(),
            ],
        )
    }

    fn part(&self, name: &'static str, args: Vec<String>) -> Part {
        Part {
            name,
            program: self.tools.join(name),
            args,
        }
    }
}
