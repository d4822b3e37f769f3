//! etcd, API server, controllers and scheduler with their arguments: of a whole cluster, or alone for a test.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;

use crate::{component::Component, credentials::Credentials, kubectl::Kubectl, ports::Ports};

/// How long a component may take to answer on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// Address of the node, of the API server as pods see it, and of the bridge that the pods hang on. The node alone has it,
/// in a network of its own.
pub const NODE: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);

const POD_NETWORK: &str = "10.244.0.0/16";
const SERVICE_NETWORK: &str = "10.96.0.0/16";

/// The address of the API server among the Services.
const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// One control plane: where its data lies, where it listens, which programs it is.
#[derive(Clone, Debug)]
pub struct Plane {
    dir: PathBuf,
    tools: PathBuf,
    bind: Ipv4Addr,
    ports: Ports,
    pub credentials: Credentials,
}

impl Plane {
    /// Prepares the folder `dir`; nothing runs yet. The API server listens on the address `bind`, and is asked on
    /// 127.0.0.1.
    pub fn new(dir: &Path, tools: &Path, bind: Ipv4Addr, ports: Ports) -> Result<Self> {
        let server = format!("https://127.0.0.1:{}", ports.api);
        let addresses = [NODE, Ipv4Addr::LOCALHOST, SERVICE].map(IpAddr::V4);
        let credentials = Credentials::ensure(&dir.join("credentials"), &addresses, &server)?;
        Ok(Self {
            dir: dir.to_owned(),
            tools: tools.to_owned(),
            bind,
            ports,
            credentials,
        })
    }

    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(
            &self.tools.join("kubectl"),
            &self.credentials.kubeconfig("admin"),
        )
    }

    pub fn etcd(&self) -> Component {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd);
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        let data = self.dir.join("etcd");
        self.component(
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

    pub fn apiserver(&self) -> Component {
        let credentials = &self.credentials;
        self.component(
            "kube-apiserver",
            vec![
                format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd),
                format!("--bind-address={}", self.bind),
                format!("--secure-port={}", self.ports.api),
                // The endpoint of the Service `kubernetes`, which may not be a loopback address.
                format!("--advertise-address={NODE}"),
                format!("--tls-cert-file={}", credentials.file("apiserver.crt")),
                format!(
                    "--tls-private-key-file={}",
                    credentials.file("apiserver.key")
                ),
                format!("--token-auth-file={}", credentials.file("tokens.csv")),
                "--authorization-mode=Node,RBAC".into(),
                // As on OpenShift: who sets an owner needs rights for that.
                "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".into(),
                // Tests change objects at admission without a server of their own.
                "--feature-gates=MutatingAdmissionPolicy=true".into(),
                "--runtime-config=admissionregistration.k8s.io/v1beta1=true".into(),
                format!(
                    "--service-account-key-file={}",
                    credentials.file("service-account.pub")
                ),
                format!(
                    "--service-account-signing-key-file={}",
                    credentials.file("service-account.key")
                ),
                "--service-account-issuer=https://kubernetes.default.svc".into(),
                format!("--service-cluster-ip-range={SERVICE_NETWORK}"),
                format!(
                    "--kubelet-certificate-authority={}",
                    credentials.file("ca.crt")
                ),
                format!(
                    "--kubelet-client-certificate={}",
                    credentials.file("kubelet-client.crt")
                ),
                format!(
                    "--kubelet-client-key={}",
                    credentials.file("kubelet-client.key")
                ),
                "--kubelet-preferred-address-types=InternalIP".into(),
            ],
        )
    }

    pub fn controllers(&self) -> Component {
        let credentials = &self.credentials;
        self.component(
            "kube-controller-manager",
            vec![
                // As an admin: an account of its own for each controller costs five seconds at every start.
                format!("--kubeconfig={}", credentials.kubeconfig("admin").display()),
                "--leader-elect=false".into(),
                "--secure-port=0".into(),
                format!(
                    "--service-account-private-key-file={}",
                    credentials.file("service-account.key")
                ),
                format!("--root-ca-file={}", credentials.file("ca.crt")),
                "--allocate-node-cidrs".into(),
                format!("--cluster-cidr={POD_NETWORK}"),
                format!("--service-cluster-ip-range={SERVICE_NETWORK}"),
            ],
        )
    }

    pub fn scheduler(&self) -> Component {
        let kubeconfig = self.credentials.kubeconfig("system:kube-scheduler");
        self.component(
            "kube-scheduler",
            vec![
                format!("--kubeconfig={}", kubeconfig.display()),
                "--leader-elect=false".into(),
                "--secure-port=0".into(),
            ],
        )
    }

    fn component(&self, name: &'static str, args: Vec<String>) -> Component {
        Component {
            name,
            program: self.tools.join(name),
            args,
        }
    }
}
