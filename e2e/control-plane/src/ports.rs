//! Where a control plane listens.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

/// Ports of a control plane.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub api: u16,
    pub etcd: u16,
    pub etcd_peer: u16,
}

impl Ports {
    /// Ports that nobody holds at this moment.
    pub fn free() -> Result<Self> {
        let held = (0..3)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<Result<Vec<_>, _>>();
        let held = held.context("cannot get a free port on 127.0.0.1")?;
        let port = |index: usize| held[index].local_addr().map(|address| address.port());
        Ok(Self {
            api: port(0)?,
            etcd: port(1)?,
            etcd_peer: port(2)?,
        })
    }
}
