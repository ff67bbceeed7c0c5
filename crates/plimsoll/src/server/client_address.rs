//! Where a request came from: the connection's other end or, where that is a proxy of ours,
//! what it says in `X-Forwarded-For`. Anything else in that header anybody can write.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Goes back from proxy to proxy; the first address that is none of ours is the client's.
pub(super) fn find(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_ours = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for").into_iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        if !is_ours(&client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_unreadable) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(peer: &str, forwarded: &[&'static str], expected: &str) {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let found = find(peer.parse().expect("an address"), &headers, &proxies);
        assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
    }

    #[test]
    fn only_proxies_of_ours_are_believed() {
        check("203.0.113.5", &["198.51.100.1"], "203.0.113.5");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["nonsense"], "10.0.0.1");
    }

    #[test]
    fn what_a_client_wrote_itself_is_not_believed() {
        check("10.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1");
        check(
            "10.0.0.1",
            &["1.2.3.4, 198.51.100.1, 10.0.0.2"],
            "198.51.100.1",
        );
        check("10.0.0.1", &["1.2.3.4", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["1.2.3.4, x, 10.0.0.2"], "10.0.0.2");
        check("2001:db8::1", &["10.0.0.2"], "10.0.0.2");
    }
}
