//! Requests to addresses that somebody else chose: no redirects, no proxy, no private
//! addresses, and an end.

use std::time::Duration;

use ipnet::IpNet;
use oci::{AddressGuard, is_allowed};
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
    let guard = AddressGuard::new(move |address| is_allowed(&allowed, address), refusal);
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
