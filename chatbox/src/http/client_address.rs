//! Whose request this is, behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The address of the client: `X-Forwarded-For` is believed as far as trusted proxies wrote it.
pub(super) fn client_address(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    // A proxy may add a header line of its own instead of extending the first one.
    let hops = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<_> = hops.filter_map(|value| value.to_str().ok()).collect();
    last_untrusted(peer.ip(), &hops.join(","), proxies)
}

/// The last address that no trusted proxy added.
fn last_untrusted(peer: IpAddr, forwarded_for: &str, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let hops = forwarded_for
        .rsplit(',')
        .map(|hop| hop.trim().parse::<IpAddr>());
    let mut client = peer.to_canonical();
    for hop in hops {
        let (true, Ok(hop)) = (trusted(&client), hop) else {
            break;
        };
        client = hop.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for (peer, header, expected) in [
            ("10.1.1.1", "203.0.113.7", "203.0.113.7"),
            ("10.1.1.1", "6.6.6.6, 203.0.113.7, 10.2.2.2", "203.0.113.7"),
            ("10.1.1.1", "nonsense", "10.1.1.1"),
            ("10.1.1.1", "", "10.1.1.1"),
            ("198.51.100.1", "203.0.113.7", "198.51.100.1"),
            ("::ffff:10.1.1.1", "2001:db8::1", "2001:db8::1"),
        ] {
            let client = last_untrusted(peer.parse().unwrap(), header, &proxies);
            assert_eq!(
                client,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {header:?}"
            );
        }
    }
}
