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
}
