//! The connection: timeouts, trusted certificates, and which addresses may be reached.

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;
use ureq::{
    Agent, Error,
    config::{AutoHeaderValue, Config},
    http::Uri,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{ClientError, ClientOptions, url};

/// How this client names itself.
const USER_AGENT: &str = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));

/// Makes the HTTP client for `base`, a scheme with a host; it follows no redirect, and an answer
/// that refuses is an answer.
///
/// # Errors
/// [`ClientError::Certificates`].
pub fn agent(base: &str, options: &ClientOptions) -> Result<Agent, ClientError> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // Followed by hand, because credentials must stay with their host.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(USER_AGENT)
        .accept_encoding(AutoHeaderValue::None)
        .timeout_connect(Some(options.connect_timeout))
        .timeout_per_read(Some(options.read_timeout))
        .timeout_per_write(Some(options.read_timeout));
    if options.public_only || url::is_loopback(base.split("://").nth(1).unwrap_or_default()) {
        config = config.proxy(None);
    }
    if let Some(path) = &options.ca_file {
        let unusable = |why: String| ClientError::Certificates {
            path: path.clone(),
            why,
        };
        let pem = fs::read(path).map_err(|e| unusable(e.to_string()))?;
        let mut certificates = Vec::new();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(found) = item.map_err(|e| unusable(e.to_string()))? {
                certificates.push(found);
            }
        }
        if certificates.is_empty() {
            return Err(unusable("it holds no certificate in PEM form".to_owned()));
        }
        let roots = RootCerts::new_with_certs(&certificates);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    let resolver = match options.public_only {
        true => {
            let allowed = options.allow_networks.clone();
            let allows = move |address| is_allowed(&allowed, address);
            AddressGuard::new(allows, "the host has no public address")
        }
        false => AddressGuard::new(|_| true, "the host has no address"),
    };
    Ok(Agent::with_parts(
        config.build(),
        DefaultConnector::default(),
        resolver,
    ))
}

/// Looks names up, and keeps to addresses that may be reached. It sits at the only way from a
/// name to an address, so a name that changes its address later is caught as well.
pub struct AddressGuard {
    inner: DefaultResolver,
    allows: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
    refusal: &'static str,
}

impl AddressGuard {
    /// Keeps to what `allows`; `refusal` says why a host is not called that has none of these.
    pub fn new(
        allows: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
        refusal: &'static str,
    ) -> Self {
        Self {
            inner: DefaultResolver::default(),
            allows: Box::new(allows),
            refusal,
        }
    }
}

impl fmt::Debug for AddressGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressGuard").finish_non_exhaustive()
    }
}

impl Resolver for AddressGuard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| (self.allows)(address.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() {
            return Err(Error::Io(io::Error::new(
                io::ErrorKind::PermissionDenied,
                self.refusal,
            )));
        }
        Ok(allowed)
    }
}

/// Returns whether an address is public, or in one of the networks that are allowed beside.
pub fn is_allowed(networks: &[IpNet], address: IpAddr) -> bool {
    // An IPv4 address in the form of IPv6 is the same place.
    let address = address.to_canonical();
    is_public(address) || networks.iter().any(|network| network.contains(&address))
}

/// Returns whether an address is one of the public network: none of this machine, of a private
/// or local network, of a group, or kept for something special (the special-purpose registries
/// of IANA, RFC 6890). What stands for an IPv4 address in IPv6 is judged by that.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let embedded = || {
        let ([g1, g2], [h1, h2]) = (g.to_be_bytes(), h.to_be_bytes());
        Ipv4Addr::new(g1, g2, h1, h2)
    };
    match (a, b) {
        // NAT64 leads to the IPv4 address in its last four bytes.
        (0x64, 0xff9b) => [c, d, e, f] == [0; 4] && is_public_v4(embedded()),
        // Teredo, documentation, 6to4.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) => false,
        // Global unicast.
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_allowed_network_is_allowed_in_both_forms() {
        let allows = |network: &str, address: &str| {
            let network = network.parse().expect("a network");
            is_allowed(&[network], address.parse().expect("an address"))
        };
        assert!(allows("10.20.0.0/16", "10.20.1.1"));
        assert!(allows("10.20.0.0/16", "::ffff:10.20.1.1"));
        assert!(!allows("10.20.0.0/16", "10.21.1.1"));
        assert!(allows("10.20.0.0/16", "8.8.8.8"));
        assert!(allows("fd00::/8", "fd00::1"));
    }

    #[test]
    fn knows_public_addresses() {
        for ip in ["8.8.8.8", "100.63.0.1", "2606:4700::1", "64:ff9b::808:808"] {
            assert!(is_public(ip.parse().expect("an address")), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(ip.parse().expect("an address")), "{ip}");
        }
    }

    /// Networks of which nothing is public (IANA's special-purpose registries, and groups).
    const SPECIAL: [&str; 13] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    ];

    proptest! {
        /// Judged by a second way: by prefixes instead of by parts.
        #[test]
        fn an_ipv4_address_is_public_unless_it_is_special(bits: u32) {
            let special = SPECIAL.iter().any(|network| {
                let (first, length) = network.split_once('/').expect("a length");
                let first: Ipv4Addr = first.parse().expect("an address");
                let length: u32 = length.parse().expect("a number");
                (bits ^ u32::from(first)) >> (32 - length) == 0
            });
            let address = Ipv4Addr::from(bits);
            prop_assert_eq!(is_public(address.into()), !special, "{}", address);
            // In the forms of IPv6 it is the same place.
            let mapped = IpAddr::from(address.to_ipv6_mapped());
            prop_assert_eq!(is_public(mapped), !special, "{}", mapped);
        }

        #[test]
        fn near_every_border_too(network in 0..SPECIAL.len(), off in -2_i64..=2, end: bool) {
            let (first, length) = SPECIAL[network].split_once('/').expect("a length");
            let first = i64::from(u32::from(first.parse::<Ipv4Addr>().expect("an address")));
            let size = 1_i64 << (32 - length.parse::<u32>().expect("a number"));
            let at = (first + off + if end { size } else { 0 }).rem_euclid(1 << 32);
            if (first..first + size).contains(&at) {
                let address = Ipv4Addr::from(u32::try_from(at).expect("32 bits"));
                prop_assert!(!is_public(address.into()), "{}", address);
            }
        }

        #[test]
        fn an_ipv6_address_is_public_in_global_unicast_only(bits: u128) {
            let address = Ipv6Addr::from(bits);
            if is_public(address.into()) {
                prop_assert!(address.segments()[0] >> 13 == 1, "{}", address);
            }
            // Unique local, link-local, groups.
            for prefix in [0xfc00_u16, 0xfd00, 0xfe80, 0xff02] {
                let [_, rest @ ..] = address.segments();
                let [b, c, d, e, f, g, h] = rest;
                let local = Ipv6Addr::new(prefix, b, c, d, e, f, g, h);
                prop_assert!(!is_public(local.into()), "{}", local);
            }
        }
    }
}
