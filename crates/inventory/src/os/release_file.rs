//! What distributions wrote before os-release, and some images have left of it: one line in a
//! file of the distribution's own. Heard only where there is no os-release.

use crate::{
    Distribution, Found,
    analyser::{Analyser, Counts, Findings, Reading, Want},
};

/// Reads `etc/*-release` and `etc/debian_version`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "release-file",
    wants: &[Want::File(|file| PLACES.contains(&file.path.as_str()))],
    counts: Counts::At(PLACES),
    read: Reading::Whole {
        most: 64 << 10,
        read,
    },
    ..Analyser::BASE
};

/// Debian's and Red Hat's relatives have these files, too, so the more special come first.
const PLACES: &[&str] = &[
    "etc/lsb-release",
    "etc/alpine-release",
    "etc/almalinux-release",
    "etc/rocky-release",
    "etc/oracle-release",
    "etc/centos-release",
    "etc/fedora-release",
    "etc/system-release",
    "etc/redhat-release",
    "etc/SuSE-release",
    "etc/debian_version",
];

/// How `… release 7.9.2009 (Core)` begins, and whose that is.
const RELEASES: &[(&str, &str)] = &[
    ("AlmaLinux", "almalinux"),
    ("Amazon Linux", "amzn"),
    ("CentOS", "centos"),
    ("Fedora", "fedora"),
    ("Oracle Linux", "ol"),
    ("Red Hat Enterprise Linux", "rhel"),
    ("Rocky Linux", "rocky"),
    ("Scientific Linux", "scientific"),
    ("SUSE Linux Enterprise", "sles"),
    ("openSUSE", "opensuse"),
];

fn read(path: &str, bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().next().unwrap_or_default().trim();
    let found = match path {
        "etc/lsb-release" => lsb(&text),
        "etc/alpine-release" => some("alpine", line, format!("Alpine Linux {line}")),
        "etc/debian_version" => debian(line),
        _ => release(line),
    };
    found
        .map(|distribution| Findings::one(Found::Distribution(distribution)))
        .unwrap_or_default()
}

fn some(id: &str, version: &str, name: String) -> Option<Distribution> {
    Some(Distribution {
        id: id.to_owned(),
        version_id: Some(version.to_owned()).filter(|version| !version.is_empty()),
        name,
        ..Distribution::default()
    })
}

/// `12.5`, or for what is not released `trixie/sid`.
fn debian(line: &str) -> Option<Distribution> {
    let name = format!("Debian GNU/Linux {line}");
    if line.starts_with(|c: char| c.is_ascii_digit()) {
        return some("debian", line.split('.').next().unwrap_or(line), name);
    }
    let codename = line
        .split('/')
        .next()
        .filter(|codename| !codename.is_empty())?;
    Some(Distribution {
        version_codename: Some(codename.to_owned()),
        ..some("debian", "", name)?
    })
}

fn release(line: &str) -> Option<Distribution> {
    let (_, id) = RELEASES.iter().find(|(name, _)| line.starts_with(name))?;
    let mut words = line.split_whitespace();
    let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    some(id, words.find(number).unwrap_or_default(), line.to_owned())
}

fn lsb(text: &str) -> Option<Distribution> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().trim_matches('"').to_owned()).filter(|value| !value.is_empty())
    };
    Some(Distribution {
        id: field("DISTRIB_ID=")?.to_lowercase(),
        version_id: field("DISTRIB_RELEASE="),
        version_codename: field("DISTRIB_CODENAME="),
        name: field("DISTRIB_DESCRIPTION=").unwrap_or_default(),
        ..Distribution::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(path: &str, text: &str) -> Option<String> {
        match read(path, text.as_bytes()).found.pop() {
            Some(Found::Distribution(distribution)) => distribution.label(),
            _ => None,
        }
    }

    #[test]
    fn reads_each_form() {
        for (path, text, expected) in [
            (
                "etc/redhat-release",
                "CentOS release 6.10 (Final)\n",
                "centos-6.10",
            ),
            (
                "etc/system-release",
                "Amazon Linux release 2 (Karoo)\n",
                "amzn-2",
            ),
            ("etc/alpine-release", "3.18.9\n", "alpine-3.18.9"),
            ("etc/debian_version", "11.6\n", "debian-11"),
            ("etc/debian_version", "trixie/sid\n", "debian-trixie"),
            (
                "etc/lsb-release",
                "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=14.04\n",
                "ubuntu-14.04",
            ),
        ] {
            assert_eq!(label(path, text).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(label("etc/redhat-release", "Something else"), None);
        assert_eq!(label("etc/debian_version", ""), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(place in 0..PLACES.len(), text in "[ -~]{0,40}") {
            read(PLACES[place], text.as_bytes());
        }
    }
}
