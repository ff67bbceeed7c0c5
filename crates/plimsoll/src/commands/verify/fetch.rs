//! What the market answers to everybody: its key, and what its log says.

use oci::ClientOptions;

use super::VerifyArgs;
use crate::{
    failure::{Failure, OrFail},
    printer::plain,
};

/// Whoever is sent on more often goes in a circle.
const MAX_REDIRECTS: u32 = 5;

/// Fetches what `host` has at `path`, at most `limit` bytes, in the same way as its registry is
/// spoken with; none where it has nothing there. What is fetched is open to everybody, and goes
/// where it is sent on to; from TLS to TLS only.
pub(super) fn fetch(
    args: &VerifyArgs,
    (host, path): (&str, &str),
    limit: u64,
) -> Result<Option<Vec<u8>>, Failure> {
    let scheme = args.registry.scheme(host);
    let base = format!("{scheme}://{host}");
    let what = format!("cannot fetch {}", plain(&format!("{base}{path}")));
    let options: ClientOptions = args.registry.options();
    let agent = oci::agent(&base, &options)?;
    let request = agent
        .get(format!("{base}{path}"))
        .config()
        .max_redirects(MAX_REDIRECTS)
        .max_redirects_will_error(true)
        .https_only(scheme == "https")
        .build();
    let mut response = request.call().or_fail(&what)?;
    match response.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        status => return Err(Failure::failed(format!("{what}: it answered {status}"))),
    }
    let body = response.body_mut().with_config().limit(limit);
    body.read_to_vec().or_fail(&what).map(Some)
}
