//! The ports of the cluster, and which process holds one that is taken.

use std::{fs, path::Path};

use control_plane::ports::Ports;

/// The control plane of the machine's cluster.
pub const CLUSTER: Ports = Ports {
    api: 16443,
    etcd: 16379,
    etcd_peer: 16380,
};
pub const KUBELET: u16 = 16250;
pub const PROXY_HEALTH: u16 = 16256;
pub const PROXY_METRICS: u16 = 16249;
/// The node port of the sample's Service.
pub const SAMPLE: u16 = 30080;

/// Every fixed port of the cluster with the component that wants it.
pub fn fixed() -> [(u16, &'static str); 7] {
    [
        (CLUSTER.api, "kube-apiserver"),
        (CLUSTER.etcd, "etcd"),
        (CLUSTER.etcd_peer, "etcd"),
        (KUBELET, "kubelet"),
        (PROXY_HEALTH, "kube-proxy"),
        (PROXY_METRICS, "kube-proxy"),
        // No socket, only rules: they would take the port away from whoever listens there.
        (SAMPLE, "kube-proxy"),
    ]
}

/// Why a port cannot be had, or nothing when nobody listens there on any address.
pub fn taken(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    let inode = tables
        .iter()
        .find_map(|table| listening_inode(table, port))?;
    Some(holder(inode).map_or_else(|| "in use".into(), |who| format!("in use by {who}")))
}

/// Name and id of the process that holds a socket, as far as we may see it.
fn holder(inode: &str) -> Option<String> {
    let socket = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let process = entry.path();
        // Numbers alone: `self` is a process too.
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(process.join("comm")).ok()?;
        let holds = fs::read_dir(process.join("fd"))
            .ok()?
            .flatten()
            .any(|fd| is_link_to(&fd.path(), &socket));
        holds.then(|| format!("{} (process {pid})", name.trim()))
    })
}

fn is_link_to(link: &Path, target: &str) -> bool {
    fs::read_link(link).is_ok_and(|found| found.as_os_str() == target)
}

/// The inode of the socket that listens on `port` in a table of `/proc/net`.
fn listening_inode(table: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = fields.get(1)?.rsplit(':').next()?;
        let matches = u16::from_str_radix(local, 16).is_ok_and(|found| found == port);
        (matches && fields.get(3) == Some(&LISTEN))
            .then(|| fields.get(9).copied())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn finds_the_socket_that_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:4032 00000000:0000 01 00000000:00000000 00:00000000 00000000 0 0 11 1\n\
            1: 0100007F:4032 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 22 1\n";
        assert_eq!(listening_inode(table, 0x4032), Some("22"));
        assert_eq!(listening_inode(table, 80), None);
    }

    #[test]
    fn names_the_holder_of_a_taken_port() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let reason = taken(held.local_addr().unwrap().port()).unwrap();
        assert!(reason.contains(&std::process::id().to_string()), "{reason}");
    }
}
