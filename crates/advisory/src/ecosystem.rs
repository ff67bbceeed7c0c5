//! Names of ecosystems and packages in the one form the database is asked with.
//!
//! Names are OSV's. Where feeds differ, the release alone tells one ecosystem from another:
//!
//! | distribution | ecosystem |
//! |---|---|
//! | Debian, Alpine | `Debian:12`, `Debian:sid`, `Alpine:v3.20`, `Alpine:edge` |
//! | Wolfi, Chainguard, Arch | `Wolfi`, `Chainguard`, `Arch Linux` |
//! | Ubuntu | `Ubuntu:22.04`; extended maintenance `Ubuntu:Pro:22.04` |
//! | Red Hat | `Red Hat:9`, the products' CPE names among the qualifiers |
//! | Rocky, Alma, Oracle | `Rocky Linux:9`, `AlmaLinux:9`, `Oracle Linux:9` |
//! | Amazon | `Amazon Linux:1`, `:2`, `:2023` |
//! | SUSE | `SUSE:Linux Enterprise Server 15 SP4`, `openSUSE:Leap 15.5` |
//! | Azure Linux, Photon | `Azure Linux:2`, `Azure Linux:3`, `Photon OS:4.0` |

use std::borrow::Cow;

/// Returns an ecosystem in its one form, and the CPE name of the product where the name held one.
pub fn normal(ecosystem: &str) -> (Cow<'_, str>, Option<String>) {
    let (family, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let name = match family {
        "Red Hat" if ecosystem.contains(':') && release.parse::<u32>().is_err() => {
            let product = format!("cpe:/{}:redhat:{release}", part(release));
            return (red_hat(release).into(), Some(product));
        }
        "Debian" => match debian_release(release) {
            Some(number) => format!("Debian:{number}").into(),
            None => ecosystem.into(),
        },
        "Ubuntu" => ecosystem.trim_end_matches(":LTS").into(),
        "CBL-Mariner" | "Mariner" | "Azure Linux" if release.is_empty() => "Azure Linux".into(),
        "CBL-Mariner" | "Mariner" | "Azure Linux" => {
            format!("Azure Linux:{}", release.trim_end_matches(".0")).into()
        }
        "bitnami" => "Bitnami".into(),
        _ => ecosystem.into(),
    };
    (name, None)
}

/// Returns the number of one of Debian's codenames; `sid` has none.
pub(crate) fn debian_release(codename: &str) -> Option<u8> {
    let names = [
        "buzz", "rex", "bo", "hamm", "slink", "potato", "woody", "sarge", "etch", "lenny",
        "squeeze", "wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie",
        "forky", "duke",
    ];
    // Numbers of their own begin with etch, 4.
    let place = names.iter().position(|name| *name == codename)?;
    u8::try_from(place)
        .ok()?
        .checked_sub(4)
        .filter(|number| *number >= 4)
}

fn part(product: &str) -> char {
    let is_system = product.ends_with("::baseos") || !product.contains("::");
    if is_system && product.starts_with("enterprise_linux") {
        'o'
    } else {
        'a'
    }
}

/// Returns the ecosystem of a Red Hat product, from its CPE name after `redhat:`; the release is
/// that of the Enterprise Linux it is built for, where the name tells it.
pub(crate) fn red_hat(product: &str) -> String {
    let mut fields = product.split(':');
    let name = fields.next().unwrap_or_default();
    let version = fields.next().unwrap_or_default();
    let edition = fields.nth(1).unwrap_or_default();
    let major = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    let of_edition = edition.strip_prefix("el").and_then(major);
    let is_enterprise_linux = name == "enterprise_linux" || name.starts_with("rhel_");
    let of_version = is_enterprise_linux.then(|| major(version)).flatten();
    match of_edition.or(of_version) {
        Some(release) => format!("Red Hat:{release}"),
        None => "Red Hat".to_owned(),
    }
}

/// Returns a package's name as it is compared: ecosystems differ in what they take for the same.
pub fn package_name<'a>(ecosystem: &str, package: &'a str) -> Cow<'a, str> {
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
    fn one_form_for_every_spelling() {
        let cases = [
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04", None),
            ("Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04", None),
            ("CBL-Mariner:2.0", "Azure Linux:2", None),
            ("Azure Linux:3.0", "Azure Linux:3", None),
            (
                "Red Hat:enterprise_linux:9::appstream",
                "Red Hat:9",
                Some("cpe:/a:redhat:enterprise_linux:9::appstream"),
            ),
            (
                "Red Hat:openshift:4.12::el8",
                "Red Hat:8",
                Some("cpe:/a:redhat:openshift:4.12::el8"),
            ),
            (
                "Red Hat:rhel_eus:9.2::baseos",
                "Red Hat:9",
                Some("cpe:/a:redhat:rhel_eus:9.2::baseos"),
            ),
            ("Red Hat:8", "Red Hat:8", None),
            ("Red Hat", "Red Hat", None),
            ("Debian:12", "Debian:12", None),
            ("Debian:bookworm", "Debian:12", None),
            ("Debian:sid", "Debian:sid", None),
            ("Ubuntu:22.04", "Ubuntu:22.04", None),
            ("Mariner:2.0", "Azure Linux:2", None),
            ("bitnami", "Bitnami", None),
            ("Alpine:v3.18", "Alpine:v3.18", None),
        ];
        for (written, name, cpe) in cases {
            let found = normal(written);
            assert_eq!((&*found.0, found.1.as_deref()), (name, cpe), "{written}");
        }
    }

    #[test]
    fn codenames_have_numbers() {
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
            assert_eq!(package_name(ecosystem, name), expected);
        }
    }
}
