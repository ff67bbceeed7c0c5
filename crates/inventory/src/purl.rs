//! Package URLs of distribution packages (purl-spec, types `deb` and `apk`).

use std::fmt::Write as _;

use crate::{Distribution, Kind, Package};

/// Returns the package URL, such as
/// `pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u5?arch=amd64&distro=debian-11`.
pub(crate) fn purl(package: &Package, distribution: Option<&Distribution>) -> String {
    let namespace = distribution
        .map(|d| d.id.as_str())
        .filter(|id| !id.is_empty());
    let namespace = namespace.unwrap_or(match package.kind {
        Kind::Apk => "alpine",
        Kind::Deb => "debian",
    });
    let mut purl = format!("pkg:{}/", package.kind.as_str());
    encode(&mut purl, &namespace.to_lowercase());
    purl.push('/');
    encode(&mut purl, &package.name.to_lowercase());
    purl.push('@');
    encode(&mut purl, &package.version);
    let distro = distribution.and_then(Distribution::label);
    let qualifiers = [
        ("arch", Some(package.architecture.clone())),
        ("distro", distro),
    ];
    let mut separator = '?';
    for (name, value) in qualifiers {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            purl.push(separator);
            purl.push_str(name);
            purl.push('=');
            encode(&mut purl, &value);
            separator = '&';
        }
    }
    purl
}

/// Percent-encodes all but the unreserved characters and the colon
/// (purl-spec, "Character encoding").
pub(crate) fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_must_be() {
        let package = Package {
            kind: Kind::Deb,
            name: "libstdc++6".to_owned(),
            version: "1:10.2~rc1-6+b1".to_owned(),
            architecture: "amd64".to_owned(),
            source_name: "gcc-10".to_owned(),
            source_version: "10.2.1-6".to_owned(),
            licenses: Vec::new(),
            maintainer: None,
            status: None,
        };
        assert_eq!(
            purl(&package, None),
            "pkg:deb/debian/libstdc%2B%2B6@1:10.2~rc1-6%2Bb1?arch=amd64"
        );
        let distribution = Distribution {
            id: "ubuntu".to_owned(),
            version_id: Some("22.04".to_owned()),
            ..Distribution::default()
        };
        assert!(purl(&package, Some(&distribution)).ends_with("?arch=amd64&distro=ubuntu-22.04"));
        assert!(purl(&package, Some(&distribution)).starts_with("pkg:deb/ubuntu/"));
    }
}
