//! The ports of the cluster. Those of the node's namespace are its own; few are listened to on the host.

use std::ops::Range;

use control_plane::ports::Ports;

/// The control plane.
pub const CLUSTER: Ports = Ports {
    api: 16443,
    etcd: 16379,
    etcd_peer: 16380,
};

/// The node port of the sample's Service.
pub const SAMPLE: u16 = 30080;

/// Ports of 127.0.0.1 on the host without which the cluster is of no use.
pub const HOST: [u16; 2] = [CLUSTER.api, SAMPLE];

/// Node ports, all of which are forwarded: so many that a person does not run out of them.
pub const NODE_PORTS: Range<u16> = 30000..30100;

/// Tells the API server of [`NODE_PORTS`].
pub(crate) fn node_port_range() -> String {
    let Range { start, end } = NODE_PORTS;
    format!("--service-node-port-range={start}-{}", end - 1)
}
