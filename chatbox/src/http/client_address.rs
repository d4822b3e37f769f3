//! Whose request this is, behind proxies.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Once;

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of the client: what a proxy says is believed as far as trusted proxies wrote it.
pub(super) fn client_address(peer: SocketAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let hops = hops(headers);
    if !hops.is_empty() && is_unlisted_proxy(peer, proxies) {
        warn_once(peer);
    }
    last_untrusted(peer, &hops, proxies)
}

/// Whose bytes come from this peer before a request is read: nobody knows for whom a trusted proxy sends them.
pub(super) fn sender(peer: SocketAddr, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = peer.ip().to_canonical();
    (!is_trusted(peer, proxies)).then_some(peer)
}

/// What proxies say for whom they ask, the one nearest to us last.
///
/// `X-Forwarded-For` comes first: a proxy that writes it passes a `Forwarded` of the client on as it came, and none that
/// writes `Forwarded` alone is known to do the reverse.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let listed = lines(headers, X_FORWARDED_FOR);
    if !listed.is_empty() {
        let listed = listed.join(",");
        let hops = listed.split(',').map(str::trim);
        return hops.filter(|hop| !hop.is_empty()).map(address).collect();
    }
    let forwarded = lines(headers, FORWARDED.as_str());
    split(&forwarded.join(","), ',')
        .filter_map(|element| {
            let mut pairs = split(element, ';').filter_map(|pair| pair.split_once('='));
            let by_name = |(name, _): &(&str, &str)| name.trim().eq_ignore_ascii_case("for");
            let (_, node) = pairs.find(by_name)?;
            Some(address(node))
        })
        .collect()
}

/// The lines of a header: a proxy may add one of its own instead of extending the first one. One byte that is no text
/// must not hide the rest, which our own proxy wrote.
fn lines(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect()
}

/// Splits where the separator stands outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    text.split(move |character| {
        let was_escaped = std::mem::replace(&mut is_escaped, is_quoted && character == '\\');
        if was_escaped {
            is_escaped = false;
        } else if character == '"' {
            is_quoted = !is_quoted;
        }
        character == separator && !is_quoted
    })
}

/// An address as proxies write it: with a port, in brackets, with a zone, in quotes. `None`: it is hidden, or no
/// address.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"').trim();
    let without_zone = |text: &str| text.split('%').next().map(ToOwned::to_owned);
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, _port) = rest.split_once(']')?;
        return without_zone(inner)?.parse().ok();
    }
    let parsed = without_zone(text)?.parse::<IpAddr>().ok();
    parsed.or_else(|| {
        let (host, port) = text.rsplit_once(':')?;
        let _: u16 = port.parse().ok()?;
        host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    })
}

/// The last address that no trusted proxy added.
fn last_untrusted(peer: IpAddr, hops: &[Option<IpAddr>], proxies: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        let (true, Some(hop)) = (is_trusted(client, proxies), hop) else {
            break;
        };
        client = hop.to_canonical();
    }
    client
}

fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

/// Whether this looks like a proxy of ours that nobody named: clients of the internet do not come from such addresses.
fn is_unlisted_proxy(peer: IpAddr, proxies: &[IpNet]) -> bool {
    let is_internal = match peer {
        IpAddr::V4(peer) => {
            let [first, second, ..] = peer.octets();
            let is_carrier = first == 100 && second & 0xc0 == 64;
            peer.is_private() || peer.is_loopback() || peer.is_link_local() || is_carrier
        }
        IpAddr::V6(peer) => {
            peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local()
        }
    };
    is_internal && !is_trusted(peer, proxies)
}

fn warn_once(peer: IpAddr) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        let network: Cow<'static, str> = match peer {
            IpAddr::V4(_) => format!("{peer}/32").into(),
            IpAddr::V6(_) => format!("{peer}/128").into(),
        };
        tracing::warn!(
            proxy = %peer,
            "requests come through a proxy that server.trustedProxies does not name, so all visitors behind it share the \
             limits of one address; add its network, for example {network}"
        );
    });
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, lines: &[(&str, &str)]) -> String {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: axum::http::HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1234);
        client_address(peer, &headers, &proxies).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        for (peer, header, expected) in [
            ("10.1.1.1", "203.0.113.7", "203.0.113.7"),
            ("10.1.1.1", "6.6.6.6, 203.0.113.7, 10.2.2.2", "203.0.113.7"),
            ("10.1.1.1", "nonsense", "10.1.1.1"),
            ("10.1.1.1", "203.0.113.7, nonsense, 10.2.2.2", "10.2.2.2"),
            ("10.1.1.1", "", "10.1.1.1"),
            ("198.51.100.1", "203.0.113.7", "198.51.100.1"),
            ("::ffff:10.1.1.1", "2001:db8::1", "2001:db8::1"),
        ] {
            let found = client(peer, &[(X_FORWARDED_FOR, header)]);
            assert_eq!(found, expected, "{peer} {header:?}");
        }
    }

    #[test]
    fn an_address_is_found_however_a_proxy_writes_it() {
        for (header, expected) in [
            ("203.0.113.7:51234", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%eth0]:80", "fe80::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            (" 203.0.113.7 ,, 10.2.2.2:80 , ", "203.0.113.7"),
            ("gr\u{fc}n, 203.0.113.7", "203.0.113.7"),
            ("unknown", "10.1.1.1"),
            ("203.0.113.7:", "10.1.1.1"),
            ("203.0.113.7:http", "10.1.1.1"),
            ("203.0.113.700", "10.1.1.1"),
            ("[2001:db8::1", "10.1.1.1"),
        ] {
            let found = client("10.1.1.1", &[(X_FORWARDED_FOR, header)]);
            assert_eq!(found, expected, "{header:?}");
        }
    }

    #[test]
    fn forwarded_is_read_where_it_is_the_only_one() {
        for (header, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"[2001:db8::1]:4711\";proto=https", "2001:db8::1"),
            (
                "proto=http;by=10.0.0.1; FOR = 203.0.113.7:80",
                "203.0.113.7",
            ),
            ("for=6.6.6.6, for=203.0.113.7, for=10.2.2.2", "203.0.113.7"),
            ("host=\"a,b;for=6.6.6.6\";for=203.0.113.7", "203.0.113.7"),
            ("for=203.0.113.7;ext=\"\\\",for=6.6.6.6\"", "203.0.113.7"),
            ("for=_hidden", "10.1.1.1"),
            ("for=unknown", "10.1.1.1"),
            ("proto=https", "10.1.1.1"),
            ("nonsense", "10.1.1.1"),
        ] {
            let found = client("10.1.1.1", &[("forwarded", header)]);
            assert_eq!(found, expected, "{header:?}");
        }
        let lines = [
            ("forwarded", "for=6.6.6.6"),
            ("forwarded", "for=203.0.113.7"),
        ];
        assert_eq!(client("10.1.1.1", &lines), "203.0.113.7");
        // A client's own, passed on by a proxy that writes the other one.
        let both = [
            ("forwarded", "for=6.6.6.6"),
            (X_FORWARDED_FOR, "203.0.113.7"),
        ];
        assert_eq!(client("10.1.1.1", &both), "203.0.113.7");
        let lines = [
            (X_FORWARDED_FOR, "6.6.6.6"),
            (X_FORWARDED_FOR, "203.0.113.7"),
        ];
        assert_eq!(client("10.1.1.1", &lines), "203.0.113.7");
    }

    #[test]
    fn which_peers_look_like_a_proxy_of_ours() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        for (peer, expected) in [
            ("10.1.1.1", false),
            ("192.168.1.1", true),
            ("127.0.0.1", true),
            ("100.64.0.1", true),
            ("fd00::1", true),
            ("198.51.100.1", false),
            ("2001:db8::1", false),
        ] {
            let peer = peer.parse().unwrap();
            assert_eq!(is_unlisted_proxy(peer, &proxies), expected, "{peer}");
        }
    }
}
