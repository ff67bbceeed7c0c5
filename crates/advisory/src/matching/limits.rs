//! What must hold of a package beside its name and version: module stream, architecture,
//! operating system, repository.

use crate::record::{Advisory, Affected, Import};

use super::{Kind, Package};

/// Returns why an entry is not about a package, if it is not. What is not known of the package
/// limits nothing.
pub(super) fn excluded(package: &Package, record: &Advisory, entry: &Affected) -> Option<String> {
    let limits = &entry.qualifiers;
    let known = |value: &str| !value.is_empty();
    if package.kind == Kind::Rpm
        && let Some(reason) = other_module(package, record, entry)
    {
        return Some(reason);
    }
    let has = |list: &[String], value: &str| list.iter().any(|item| same_word(item, value));
    let os = package.operating_system.as_str();
    if !limits.operating_systems.is_empty() && known(os) && !has(&limits.operating_systems, os) {
        return Some(format!(
            "it concerns {} only",
            limits.operating_systems.join(", ")
        ));
    }
    let architecture = package.architecture.as_str();
    let anywhere = matches!(architecture, "" | "all" | "any" | "noarch");
    if !limits.architectures.is_empty() && !anywhere && !has(&limits.architectures, architecture) {
        return Some(format!(
            "it concerns {} only",
            limits.architectures.join(", ")
        ));
    }
    if !limits.imports.is_empty() && !limits.imports.iter().any(|it| meant(it, os, architecture)) {
        return Some("each affected part of the module is for another system".to_owned());
    }
    if !limits.repositories.is_empty() && !from_one_of(package, &limits.repositories) {
        return Some(format!(
            "it concerns {} only",
            limits.repositories.join(", ")
        ));
    }
    None
}

/// Whether a package may come from one of the repositories. Where that is not known, it is
/// taken to come from what everybody has: Red Hat's other products and longer support
/// (`rhel_eus`, `openshift`) and Amazon's extras have fixes of their own.
fn from_one_of(package: &Package, repositories: &[String]) -> bool {
    let is_cpe = |name: &str| name.starts_with("cpe:");
    let products_known = package.repositories.iter().any(|name| is_cpe(name));
    repositories.iter().any(|name| {
        let mut own = package.repositories.iter();
        let own = own.any(|own| is_part(own, name) || is_part(name, own));
        match is_cpe(name) {
            true if products_known => own,
            true => !name.contains(":redhat:") || name.contains(":enterprise_linux:"),
            false => own || package.version.contains(name.as_str()),
        }
    })
}

/// Whether a repository is another one or a part of it: `enterprise_linux:9::appstream` of all of
/// `enterprise_linux:9`, for which what is not mended yet is stated. Whether a CPE name is of an
/// application or a system tells nothing.
fn is_part(name: &str, whole: &str) -> bool {
    let plain = |name: &'_ str| -> String {
        let rest = name
            .strip_prefix("cpe:/a:")
            .or_else(|| name.strip_prefix("cpe:/o:"));
        rest.unwrap_or(name).to_owned()
    };
    let (name, whole) = (plain(name), plain(whole));
    name.strip_prefix(&whole)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn meant(import: &Import, os: &str, architecture: &str) -> bool {
    let fits = |list: &[String], value: &str| {
        list.is_empty() || value.is_empty() || list.iter().any(|item| same_word(item, value))
    };
    fits(&import.goos, os) && fits(&import.goarch, architecture)
}

/// Go, Debian, rpm and Rust have names of their own for two architectures.
fn same_word(a: &str, b: &str) -> bool {
    let plain = |word: &str| match word.to_ascii_lowercase().as_str() {
        "x86_64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        "x86" | "i386" | "i686" => "386".to_owned(),
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    };
    plain(a) == plain(b)
}

/// Streams of one module have packages of the same names, and every stream its own fixes.
fn other_module(package: &Package, record: &Advisory, entry: &Affected) -> Option<String> {
    let own = stream(&package.module);
    let is_modular = |version: &str| version.contains(".module");
    let stated = entry.qualifiers.module.as_deref().map(stream);
    let versions = entry.ranges.iter().flat_map(|range| &range.events);
    let fixed_in_module = versions.map(|event| event.version()).any(is_modular);
    let named = match fixed_in_module {
        true => stream_in_title(&record.summary),
        false => None,
    };
    let other = |name: &str| Some(format!("it concerns the module {name}"));
    match (stated.flatten().or(named), own) {
        (Some(meant), Some(own)) if meant == own => None,
        (Some((name, stream)), Some(_)) => other(&format!("{name}:{stream}")),
        // The database says nothing of modules, but the version does.
        (Some(_), None) if is_modular(&package.version) => None,
        (Some((name, stream)), None) => other(&format!("{name}:{stream}")),
        (None, Some((name, stream))) if !fixed_in_module && !entry.ranges.is_empty() => {
            let says_versions = entry.ranges.iter().any(|range| range.events.len() > 1);
            says_versions
                .then(|| format!("it concerns the package outside the module {name}:{stream}"))
        }
        (None, None) if fixed_in_module && !is_modular(&package.version) => other("only"),
        _ => None,
    }
}

/// Takes name and stream of `nodejs:18:8090020240101:abcd`.
fn stream(label: &str) -> Option<(&str, &str)> {
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty()).then_some((name, stream))
}

/// Errata of modules bear the stream in their title: `Important: nodejs:18 security update`.
fn stream_in_title(title: &str) -> Option<(&str, &str)> {
    let mut words = title.split_whitespace();
    let is_name = |word: &&str| !word.ends_with(':') && word.matches(':').count() == 1;
    stream(words.find(is_name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_compared_with_their_wholes() {
        let from = |own: &[&str], limits: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
            let package = Package {
                repositories: owned(own),
                ..Package::default()
            };
            from_one_of(&package, &owned(limits))
        };
        let own = "cpe:/o:redhat:enterprise_linux:9::baseos";
        assert!(from(&[own], &[own]));
        assert!(from(&[own], &["cpe:/o:redhat:enterprise_linux:9"]));
        assert!(from(&[own], &["cpe:/a:redhat:enterprise_linux:9::baseos"]));
        assert!(!from(
            &[own],
            &["cpe:/a:redhat:enterprise_linux:9::appstream"]
        ));
        assert!(!from(&[own], &["cpe:/o:redhat:enterprise_linux:90"]));
        assert!(!from(&[own], &["cpe:/a:redhat:rhel_eus:9.2::baseos"]));
        assert!(from(&[], &[own]) && !from(&[], &["cpe:/a:redhat:openshift:4.12::el8"]));
    }

    #[test]
    fn titles_name_streams() {
        let title = "Moderate: nodejs:18 security, bug fix, and enhancement update";
        assert_eq!(stream_in_title(title), Some(("nodejs", "18")));
        assert_eq!(stream_in_title("new module: php:7.4"), Some(("php", "7.4")));
        assert_eq!(stream_in_title("Important: firefox security update"), None);
        assert_eq!(stream("perl:5.26:820:abc"), Some(("perl", "5.26")));
    }
}
