//! The little of URLs that a registry client needs (RFC 3986, sections 3 and 5.2).

use ureq::http::Uri;

/// Returns whether `host`, with or without a port, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None if host.matches(':').count() > 1 => host,
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Returns `host[:port]` in lower case, if `url` is an http URL without a user in it.
pub(super) fn authority(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return None;
    }
    let authority = uri.authority()?;
    let port_is_number = authority.as_str().ends_with(authority.host()) || uri.port_u16().is_some();
    let plain = !authority.as_str().contains('@') && !authority.host().is_empty() && port_is_number;
    plain.then(|| authority.as_str().to_ascii_lowercase())
}

/// Returns whether both URLs lead to the same scheme, host and port.
pub(super) fn same_origin(a: &str, b: &str) -> bool {
    let scheme = |url: &str| url.split(':').next().map(str::to_ascii_lowercase);
    scheme(a) == scheme(b) && authority(a).is_some() && authority(a) == authority(b)
}

/// Resolves a `Location` against the URL that was asked.
pub(super) fn join(base: &str, location: &str) -> Option<String> {
    let joined = if location.contains("://") && authority(location).is_some() {
        location.to_owned()
    } else {
        let (scheme, rest) = base.split_once("://")?;
        if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else {
            let host = rest.split(['/', '?']).next()?;
            let path = rest.split('?').next()?.get(host.len()..)?;
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            match location.chars().next() {
                Some('/') => format!("{scheme}://{host}{location}"),
                Some('?') => format!("{scheme}://{host}{path}{location}"),
                _ => format!("{scheme}://{host}{dir}/{location}"),
            }
        }
    };
    authority(&joined).map(|_| joined)
}

/// Appends `name=value` to the query.
pub(super) fn with_query(url: &str, name: &str, value: &str) -> String {
    let sign = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{url}{sign}{name}={}", encode(value))
}

fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn knows_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:5000",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]:5",
            "::1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example",
            "10.0.0.1",
            "registry.example:5000",
            "[fe80::1]",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn joins_locations() {
        let base = "http://h:5/v2/a/blobs/uploads/?x=1";
        let check = |location: &str, expected: &str| {
            assert_eq!(
                join(base, location).as_deref(),
                Some(expected),
                "{location}"
            );
        };
        check("/v2/up/1", "http://h:5/v2/up/1");
        check("https://cdn.example/b?s=a/b", "https://cdn.example/b?s=a/b");
        check("//cdn.example/b", "http://cdn.example/b");
        check("one", "http://h:5/v2/a/blobs/uploads/one");
        check("?y=2", "http://h:5/v2/a/blobs/uploads/?y=2");
        assert_eq!(join(base, "ftp://h/x\n"), None);
    }

    #[test]
    fn encodes_queries() {
        assert_eq!(
            with_query("http://h/a", "d", "sha256:0"),
            "http://h/a?d=sha256%3A0"
        );
        assert_eq!(
            with_query("http://h/a?b=1", "c", "x y"),
            "http://h/a?b=1&c=x%20y"
        );
    }

    #[test]
    fn tells_origins_apart() {
        assert!(same_origin("http://A:5/x", "http://a:5/y"));
        for other in ["https://a:5/", "http://a/", "http://a:5@b/", "nothing"] {
            assert!(!same_origin("http://a:5/", other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(base in "(http://h/)?\\PC{0,20}", location in "\\PC{0,40}") {
            if let Some(joined) = join(&base, &location) {
                prop_assert!(authority(&joined).is_some());
            }
            is_loopback(&location);
        }
    }
}
