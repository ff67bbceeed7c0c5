//! Whether a package URL in a statement covers the one of a component.

/// Type and name, version, qualifiers.
struct Parts {
    name: String,
    version: String,
    qualifiers: Vec<(String, String)>,
}

/// Returns whether `stated` covers `own`: the same type and name, the same version if it states
/// one, and every qualifier it states. Anything else than package URLs must be the same text.
pub(super) fn covers(stated: &str, own: &str) -> bool {
    match (parse(stated), parse(own)) {
        (Some(stated), Some(own)) => {
            let has = |pair: &(String, String)| own.qualifiers.contains(pair);
            stated.name == own.name
                && (stated.version.is_empty() || stated.version == own.version)
                && stated.qualifiers.iter().all(has)
        }
        _ => stated == own,
    }
}

fn parse(text: &str) -> Option<Parts> {
    let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
    let rest = rest.split('#').next().unwrap_or(rest);
    let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    // A scope's `@` stands before the last slash, a version's after it.
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let (path, version) = match path[name_at..].rfind('@') {
        Some(at) => (&path[..name_at + at], &path[name_at + at + 1..]),
        None => (path, ""),
    };
    let (kind, name) = path.split_once('/')?;
    let kind = kind.to_ascii_lowercase();
    let mut name = decode(name);
    if matches!(
        kind.as_str(),
        "pypi" | "composer" | "deb" | "apk" | "rpm" | "github" | "oci"
    ) {
        name = name.to_lowercase();
    }
    if kind == "pypi" {
        name = name.replace(['_', '.'], "-");
    }
    let pairs = qualifiers
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    Some(Parts {
        name: format!("{kind}/{name}"),
        version: decode(version),
        qualifiers: pairs
            .map(|(key, value)| (key.to_ascii_lowercase(), decode(value)))
            .collect(),
    })
}

/// Reads `%2B` as `+`; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = digits.filter(|_| *first == b'%');
        match escaped.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_stated_qualifiers_count() {
        let own = "pkg:deb/debian/curl@7.74.0-1.3%2Bdeb11u7?arch=amd64&distro=debian-11";
        assert!(covers("pkg:deb/debian/curl", own));
        assert!(covers("pkg:deb/debian/curl@7.74.0-1.3+deb11u7", own));
        assert!(covers("pkg:deb/debian/curl?arch=amd64", own));
        assert!(!covers("pkg:deb/debian/curl?arch=arm64", own));
        assert!(!covers("pkg:deb/debian/curl@7", own));
        assert!(!covers("pkg:deb/ubuntu/curl", own));
        assert!(covers("pkg:npm/%40scope/name", "pkg:npm/@scope/name@1"));
        assert!(covers(
            "pkg:pypi/Zope.Interface",
            "pkg:pypi/zope-interface@5"
        ));
        assert!(covers("something", "something") && !covers("something", own));
    }
}
