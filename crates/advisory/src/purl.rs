//! Package URLs, as far as statements about packages need them: taken apart leniently, for what
//! others wrote, and compared.

/// A package URL taken apart, with its escapes resolved.
pub(crate) struct Parts {
    /// Its type, in lower case.
    pub(crate) kind: String,
    /// Namespace and name.
    pub(crate) name: String,
    /// Its version, or nothing.
    pub(crate) version: String,
    qualifiers: Vec<(String, String)>,
}

impl Parts {
    /// Takes one apart; nothing where it is none.
    pub(crate) fn of(text: &str) -> Option<Self> {
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
        let pairs = qualifiers
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        Some(Self {
            kind: kind.to_ascii_lowercase(),
            name: decode(name),
            version: decode(version),
            qualifiers: pairs
                .map(|(key, value)| (key.to_ascii_lowercase(), decode(value)))
                .collect(),
        })
    }

    /// Returns a qualifier.
    pub(crate) fn qualifier(&self, key: &str) -> Option<&str> {
        let mut pairs = self.qualifiers.iter();
        pairs
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// Returns type and name in the form in which they are compared.
    fn same_name(&self) -> String {
        let lower = ["pypi", "composer", "deb", "apk", "rpm", "github", "oci"];
        let mut name = self.name.clone();
        if lower.contains(&self.kind.as_str()) {
            name = name.to_lowercase();
        }
        if self.kind == "pypi" {
            name = name.replace(['_', '.'], "-");
        }
        format!("{}/{name}", self.kind)
    }
}

/// Returns whether `stated` covers `own`: the same type and name, the same version if it states
/// one, and every qualifier it states. Anything else than package URLs must be the same text.
pub fn covers(stated: &str, own: &str) -> bool {
    match (Parts::of(stated), Parts::of(own)) {
        (Some(stated), Some(own)) => {
            let has = |pair: &(String, String)| own.qualifiers.contains(pair);
            stated.same_name() == own.same_name()
                && (stated.version.is_empty() || stated.version == own.version)
                && stated.qualifiers.iter().all(has)
        }
        _ => stated == own,
    }
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
