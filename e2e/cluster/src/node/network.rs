//! The bridge that pods hang on, and how containerd puts them there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use builder::command::{run, succeeds};
use control_plane::plane::NODE;
use serde_json::json;

use super::{data, write};
use crate::paths;

/// The bridge. A name of our own, so that no other cluster's bridge is ever taken or removed.
pub const BRIDGE: &str = "chatbox0";

/// The network that the CNI plugins know.
pub const NAME: &str = "chatbox";

/// Addresses of pods.
pub const PODS: &str = "10.244.0.0/24";

/// Kernel switches that pods need. They stay on: by the time of `down` another program may rely on them.
const SHARED: [&str; 2] = ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"];

/// The switch for Services on 127.0.0.1, which kube-proxy turns on too. It opens the loopback to the network as far as
/// the firewall lets it, so `down` puts it back.
const LOOPBACK: &str = "net/ipv4/conf/all/route_localnet";

/// Makes the bridge with the node's address, and writes the plugins' configuration.
pub fn ensure() -> Result<()> {
    if !Path::new("/sys/class/net").join(BRIDGE).exists() {
        // A fixed hardware address: by default a bridge takes that of a member, and changes it as pods come and go.
        ip(&[
            "link",
            "add",
            BRIDGE,
            "address",
            "0a:58:0a:f4:00:01",
            "type",
            "bridge",
        ])?;
    }
    ip(&["address", "replace", &format!("{NODE}/24"), "dev", BRIDGE])?;
    ip(&["link", "set", BRIDGE, "up"])?;
    // Without the module pods still reach each other, only not through a Service that leads back to the same node.
    succeeds(Command::new("modprobe").arg("br_netfilter"));
    set_switches()?;
    write(&data("cni").join("10-chatbox.conflist"), &plugins())
}

/// Whether we may make a bridge, found out by making one. In a container, root often may not.
pub fn probe() -> Result<()> {
    const TRIAL: &str = "chatbox-trial";
    // One that an earlier trial left, ended in its middle.
    succeeds(Command::new("ip").args(["link", "delete", TRIAL]));
    ip(&["link", "add", TRIAL, "type", "bridge"])?;
    ip(&["link", "delete", TRIAL]).map(drop)
}

/// Turns the switches on, after noting down how the one that is put back stood.
fn set_switches() -> Result<()> {
    let (note, loopback) = (note(), switch(LOOPBACK));
    if !note.exists() {
        write(&note, &fs::read_to_string(loopback)?)?;
    }
    for name in SHARED.iter().chain([&LOOPBACK]) {
        let switch = switch(name);
        // One that is not there belongs to a module that is not loaded; one that is on may be read-only.
        if fs::read_to_string(&switch).is_ok_and(|stood| stood.trim() != "1") {
            fs::write(&switch, "1")
                .with_context(|| format!("cannot turn on {}", switch.display()))?;
        }
    }
    Ok(())
}

/// Puts back what we alone turned on; without a note it was never touched.
pub fn restore_switches() {
    if let Ok(stood) = fs::read(note()) {
        let _ = fs::write(switch(LOOPBACK), stood);
    }
}

fn note() -> PathBuf {
    Path::new(paths::RUN).join("route_localnet")
}

fn switch(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

fn ip(args: &[&str]) -> Result<String> {
    run(Command::new("ip").args(args))
}

fn plugins() -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": NAME,
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
