//! Requests to addresses that somebody else chose: no redirects, no proxy, no private
//! addresses, and an end.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use oci::{AddressGuard, is_public};
use ureq::{Agent, Error, config::AutoHeaderValue, unversioned::transport::DefaultConnector};

/// Most bytes of an answer's headers.
const MAX_HEADERS: usize = 16 << 10;
/// How receivers see who calls.
const USER_AGENT: &str = concat!("plimsoll/", env!("CARGO_PKG_VERSION"));

/// Returns what makes requests to public addresses, and to those in `allowed`. One that takes
/// `longest`, from the look-up of its name to the end of its answer, has failed.
pub(super) fn agent(allowed: Vec<IpNet>, longest: Duration, refusal: &'static str) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // A proxy would look names up itself, and reach what must not be reached.
        .proxy(None)
        .user_agent(USER_AGENT)
        .accept_encoding(AutoHeaderValue::None)
        .max_response_header_size(MAX_HEADERS)
        .max_idle_connections(0)
        .timeout_global(Some(longest))
        .build();
    let guard = AddressGuard::new(move |address| allows(&allowed, address), refusal);
    Agent::with_parts(config, DefaultConnector::default(), guard)
}

/// Says what went wrong, without the address: it may have secrets in it.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "it took too long".to_owned(),
        Error::HostNotFound => "the name of its host leads nowhere".to_owned(),
        Error::BadUri(_) | Error::Http(_) => "its address cannot be used".to_owned(),
        other => other.to_string(),
    }
}

fn allows(allowed: &[IpNet], address: IpAddr) -> bool {
    // An IPv4 address in the form of IPv6 is the same place.
    let address = address.to_canonical();
    is_public(address) || allowed.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_network_is_allowed_in_both_forms() {
        let is_allowed = |network: &str, address: &str| {
            let network = network.parse().expect("a network");
            allows(&[network], address.parse().expect("an address"))
        };
        assert!(is_allowed("10.20.0.0/16", "10.20.1.1"));
        assert!(is_allowed("10.20.0.0/16", "::ffff:10.20.1.1"));
        assert!(!is_allowed("10.20.0.0/16", "10.21.1.1"));
        assert!(is_allowed("10.20.0.0/16", "8.8.8.8"));
        assert!(is_allowed("fd00::/8", "fd00::1"));
    }
}
