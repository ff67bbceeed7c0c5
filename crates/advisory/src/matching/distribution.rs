//! Which advisories a distribution answers with, and for which packages it does not answer.

use super::{Kind, Package, Unsupported};
use crate::ecosystem::debian_release;

/// Returns the canonical ecosystems whose statements hold for a distribution's packages, and
/// those that hold where the first ones know of no fix (Ubuntu Pro).
pub(super) fn ecosystems(package: &Package) -> Result<(Vec<String>, Vec<String>), Unsupported> {
    let release = package.version_id.as_str();
    let (id, kind) = (package.distribution.as_str(), package.kind);
    let major = release.split('.').next().unwrap_or_default();
    let one = |name: String| Ok((vec![name], Vec::new()));
    let wrong = || {
        Err(Unsupported::Release {
            distribution: id.to_owned(),
            version_id: release.to_owned(),
        })
    };
    let numbered = |family: &str, part: &str| match is_number(part) {
        true => one(format!("{family}:{part}")),
        false => wrong(),
    };
    match (kind, id) {
        (Kind::Deb, "debian") => match debian_release(release) {
            Some(number) => one(format!("Debian:{number}")),
            None if release == "sid" => one("Debian:sid".to_owned()),
            None => numbered("Debian", major),
        },
        (Kind::Deb, "ubuntu") => match is_pair(release) {
            true => Ok((
                vec![format!("Ubuntu:{release}")],
                vec![format!("Ubuntu:Pro:{release}")],
            )),
            false => wrong(),
        },
        (Kind::Apk, "alpine") => alpine(release).map_or_else(wrong, one),
        (Kind::Apk, "wolfi") => one("Wolfi".to_owned()),
        // Chainguard's images take packages of Wolfi as well.
        (Kind::Apk, "chainguard") => Ok((
            vec!["Chainguard".to_owned(), "Wolfi".to_owned()],
            Vec::new(),
        )),
        (Kind::Apk, "minimos") => one("MinimOS".to_owned()),
        (Kind::Pacman, "arch" | "archarm") => one("Arch Linux".to_owned()),
        (Kind::Rpm, _) => match rpm_family(id, release) {
            None => Err(Unsupported::Distribution {
                distribution: id.to_owned(),
            }),
            Some((family, part)) if family.ends_with("Tumbleweed") || is_release(&part) => {
                one(format!("{family}{part}"))
            }
            Some(_) => wrong(),
        },
        _ => Err(Unsupported::Distribution {
            distribution: id.to_owned(),
        }),
    }
}

/// Snapshots of edge call themselves `3.22.0_alpha20250108`.
fn alpine(release: &str) -> Option<String> {
    if release == "edge" || release.contains("_alpha") {
        return Some("Alpine:edge".to_owned());
    }
    let mut parts = release.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    (is_number(major) && is_number(minor)).then(|| format!("Alpine:v{major}.{minor}"))
}

/// Returns the beginning of the ecosystem's name and the part of the release that ends it.
fn rpm_family(id: &str, release: &str) -> Option<(&'static str, String)> {
    let major = || release.split('.').next().unwrap_or_default().to_owned();
    let whole = || release.to_owned();
    Some(match id {
        // CentOS is rebuilt from Red Hat's sources, under Red Hat's version numbers.
        "rhel" | "redhat" | "centos" => ("Red Hat:", major()),
        "almalinux" => ("AlmaLinux:", major()),
        "rocky" => ("Rocky Linux:", major()),
        "ol" | "oracle" => ("Oracle Linux:", major()),
        "fedora" => ("Fedora:", major()),
        // Amazon Linux 1 calls itself by year and month.
        "amzn" if release.starts_with("201") => ("Amazon Linux:", "1".to_owned()),
        "amzn" => ("Amazon Linux:", major()),
        "photon" => ("Photon OS:", whole()),
        "azurelinux" | "mariner" => ("Azure Linux:", major()),
        "mageia" => ("Mageia:", major()),
        "openEuler" | "openeuler" => ("openEuler:", whole()),
        "opensuse-tumbleweed" => ("openSUSE:Tumbleweed", String::new()),
        "opensuse-leap" | "opensuse" => ("openSUSE:Leap ", whole()),
        "sles" | "sle_hpc" | "sles_sap" => (
            "SUSE:Linux Enterprise Server ",
            release.replacen('.', " SP", 1),
        ),
        "sl-micro" | "sle-micro" => ("SUSE:Linux Enterprise Micro ", whole()),
        "bottlerocket" => ("Bottlerocket:", whole()),
        _ => return None,
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_pair(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(year, month)| is_number(year) && is_number(month))
}

fn is_release(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b' '))
}

/// Returns what to know of a package that holds a part of the kernel's sources only.
pub(super) fn kernel_note(package: &Package) -> Option<&'static str> {
    let (name, source) = (package.name.as_str(), package.source_name.as_str());
    let headers = [
        "linux-libc-dev",
        "linux-headers",
        "kernel-headers",
        "kernel-devel",
        "linux-api-headers",
    ];
    if headers.iter().any(|prefix| name.starts_with(prefix)) {
        return Some(
            "The package holds header files of the kernel's source only; the flaw is in the kernel, which comes from the host.",
        );
    }
    let tools = [
        "bpftool",
        "perf",
        "linux-perf",
        "kernel-tools",
        "kernel-tools-libs",
        "python3-perf",
    ];
    let is_kernel = matches!(
        source,
        "linux" | "kernel" | "kernel-rt" | "linux-lts" | "kernel-default"
    ) || source.starts_with("linux-") && name.starts_with("linux-image");
    (is_kernel && !tools.contains(&name)).then_some(
        "The package is a part of the kernel, and a container runs on the kernel of its host.",
    )
}
