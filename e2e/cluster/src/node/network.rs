//! The network of the node: the bridge that pods hang on, how containerd puts them there, and the way out.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use builder::command::{run, succeeds};
use control_plane::{component::Component, plane::NODE};
use serde_json::json;

use super::{data, write};

/// How pods reach what listens on 127.0.0.1 of the host, such as a model.
pub const HOST: &str = "10.0.2.2";

/// The name server that asks those of the host.
const NAME_SERVER: &str = "10.0.2.3";

const BRIDGE: &str = "chatbox0";

/// Addresses of pods.
pub(super) const PODS: &str = "10.244.0.0/24";

/// Switches of this network that pods and Services need.
const SWITCHES: [&str; 3] = [
    "ipv4/ip_forward",
    // Services answer on 127.0.0.1 too.
    "ipv4/conf/all/route_localnet",
    // Belongs to a module; without it pods reach each other, only not through a Service that leads back to the node.
    "bridge/bridge-nf-call-iptables",
];

/// Makes the bridge with the node's address, and writes the plugins' configuration.
pub(super) fn ensure() -> Result<()> {
    ip(&["link", "set", "lo", "up"])?;
    ip(&["link", "add", BRIDGE, "type", "bridge"])?;
    // By default a bridge takes the hardware address of a member, and changes it as pods come and go.
    ip(&["link", "set", BRIDGE, "address", "0a:58:0a:f4:00:01"])?;
    ip(&["address", "add", &format!("{NODE}/24"), "dev", BRIDGE])?;
    ip(&["link", "set", BRIDGE, "up"])?;
    succeeds(Command::new("modprobe").arg("br_netfilter"));
    for name in SWITCHES {
        let switch = Path::new("/proc/sys/net").join(name);
        if switch.exists() {
            fs::write(&switch, "1").with_context(|| format!("cannot set {}", switch.display()))?;
        }
    }
    write(&resolver(), &format!("nameserver {NAME_SERVER}\n"))?;
    write(&data("cni").join("10-chatbox.conflist"), &plugins())
}

/// Carries what pods send to the world through sockets of the host, so that no rule or route of the host is needed.
pub(super) fn outbound() -> Component {
    let args = ["--configure", "--mtu=65520", "--netns-type=path"];
    Component {
        name: "slirp4netns",
        program: "slirp4netns".into(),
        args: args
            .into_iter()
            .chain(["/proc/1/ns/net", "tap0"])
            .map(ToOwned::to_owned)
            .collect(),
    }
}

/// The list of name servers that pods get.
pub(super) fn resolver() -> std::path::PathBuf {
    data("resolv.conf")
}

fn ip(args: &[&str]) -> Result<String> {
    run(Command::new("ip").args(args))
}

fn plugins() -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": "chatbox",
        "plugins": [
            {
                "type": "bridge", "bridge": BRIDGE, "isGateway": true, "ipMasq": true, "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": data("cni-addresses"),
                    "ranges": [[{"subnet": PODS, "gateway": NODE}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
        ],
    })
    .to_string()
}
