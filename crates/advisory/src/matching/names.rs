//! Names of ecosystems and of packages in them, in the one form in which they are compared.
//!
//! Feeds write `Ubuntu:22.04:LTS` and `Ubuntu:22.04`, `Zope.Interface` and `zope-interface`.
//! Records keep what the feed wrote; the index and the matching go by these forms.

use std::borrow::Cow;

/// Returns the form of an ecosystem's name in which it is compared.
pub(super) fn canonical(ecosystem: &str) -> Cow<'_, str> {
    let (family, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    match family {
        "Debian" => match debian_release(release) {
            Some(number) => format!("Debian:{number}").into(),
            None => ecosystem.into(),
        },
        "Ubuntu" => ecosystem.strip_suffix(":LTS").unwrap_or(ecosystem).into(),
        // `Red Hat:enterprise_linux:9::appstream`; other products (`rhel_eus:9.2`) stay apart.
        "Red Hat" => match release.strip_prefix("enterprise_linux:") {
            Some(release) => {
                let major = release.split([':', '.']).next().unwrap_or(release);
                format!("Red Hat:{major}").into()
            }
            None => ecosystem.into(),
        },
        "bitnami" => "Bitnami".into(),
        "CBL-Mariner" | "Mariner" => {
            format!("Azure Linux:{}", release.trim_end_matches(".0")).into()
        }
        _ => ecosystem.into(),
    }
}

/// Returns the number of one of Debian's codenames; `sid` has none.
pub(super) fn debian_release(codename: &str) -> Option<u8> {
    let names = [
        "buzz", "rex", "bo", "hamm", "slink", "potato", "woody", "sarge", "etch", "lenny",
        "squeeze", "wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie",
        "forky", "duke",
    ];
    // Numbers of their own begin with lenny, 5.
    let place = names.iter().position(|name| *name == codename)?;
    u8::try_from(place)
        .ok()?
        .checked_sub(4)
        .filter(|number| *number >= 4)
}

/// Returns the form of a package's name in which it is compared.
pub(super) fn package_key<'a>(ecosystem: &str, package: &'a str) -> Cow<'a, str> {
    let lower = |name: &'a str| match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    };
    match ecosystem.split(':').next().unwrap_or_default() {
        "PyPI" => python_name(package),
        "NuGet" | "Packagist" | "Hex" | "Pub" | "Bitnami" | "bitnami" | "GitHub Actions"
        | "WordPress" | "CPE" => lower(package),
        // The registry takes `serde-json` and `serde_json` for the same.
        "crates.io" => match package.contains('_') {
            true => Cow::Owned(package.replace('_', "-").to_ascii_lowercase()),
            false => lower(package),
        },
        "SwiftURL" => {
            let bare = package.trim_start_matches("https://").trim_end_matches('/');
            lower(bare.strip_suffix(".git").unwrap_or(bare))
        }
        _ => Cow::Borrowed(package),
    }
}

/// PEP 503: lower case, and one hyphen for every run of hyphens, underscores and dots.
fn python_name(name: &str) -> Cow<'_, str> {
    let is_normal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.bytes().all(is_normal) && !name.contains("--") {
        return Cow::Borrowed(name);
    }
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.push(other.to_ascii_lowercase()),
        }
    }
    Cow::Owned(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_one_name() {
        let names = [
            ("Debian:bookworm", "Debian:12"),
            ("Debian:12", "Debian:12"),
            ("Debian:sid", "Debian:sid"),
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04"),
            ("Red Hat:enterprise_linux:9::appstream", "Red Hat:9"),
            (
                "Red Hat:rhel_eus:9.2::baseos",
                "Red Hat:rhel_eus:9.2::baseos",
            ),
            ("bitnami", "Bitnami"),
            ("Alpine:v3.18", "Alpine:v3.18"),
        ];
        for (name, expected) in names {
            assert_eq!(canonical(name), expected);
        }
        assert_eq!(
            (debian_release("etch"), debian_release("duke")),
            (Some(4), Some(15))
        );
        assert_eq!(
            (debian_release("sarge"), debian_release("sid")),
            (None, None)
        );
    }

    #[test]
    fn packages_have_one_name() {
        let names = [
            ("PyPI", "Zope.Interface__x", "zope-interface-x"),
            ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
            ("npm", "JSONStream", "JSONStream"),
            ("crates.io", "Serde_JSON", "serde-json"),
            (
                "SwiftURL",
                "https://github.com/Vapor/vapor.git",
                "github.com/vapor/vapor",
            ),
            (
                "Go",
                "github.com/Masterminds/sprig",
                "github.com/Masterminds/sprig",
            ),
            ("Debian:12", "libX11", "libX11"),
        ];
        for (ecosystem, name, expected) in names {
            assert_eq!(package_key(ecosystem, name), expected);
        }
    }
}
