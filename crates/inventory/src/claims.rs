//! What bills of materials claim: of which distribution it is, and whether it is there to see.

use std::collections::HashMap;

use crate::{Claim, Component, Distribution, Kind, Package};

/// Namespaces that are not what os-release calls the distribution.
static NAMES: &[(&str, &str)] = &[
    ("alma", "almalinux"),
    ("amazon", "amzn"),
    ("oracle", "ol"),
    ("redhat", "rhel"),
];

/// Returns the id by which os-release knows a distribution.
pub(crate) fn id(namespace: &str) -> &str {
    let known = NAMES.iter().find(|(name, _)| *name == namespace);
    known.map_or(namespace, |(_, id)| id)
}

/// Leaves out of a claim which distribution it is of where that is the image's own, as it is of
/// what is installed.
pub(crate) fn settle(package: &mut Package, image: Option<&Distribution>) {
    let own = match (package.other_distribution(), image) {
        (Some((id, release)), Some(image)) => id == image.id && is_release(release, image),
        _ => false,
    };
    let label = image.and_then(Distribution::label);
    let distro = package.qualifiers.get("distro");
    if own || (distro.is_some() && distro == label.as_ref()) {
        package.namespace.clear();
        package.qualifiers.remove("distro");
    }
}

/// Returns whether a release is the image's: some write `12` where others write `12.5`.
fn is_release(release: &str, image: &Distribution) -> bool {
    let Some(ours) = image.version_id.as_deref() else {
        return true;
    };
    let within = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    release.is_empty() || within(ours, release) || within(release, ours)
}

/// Joins claims to the installed packages that they are about. Most say nothing of the
/// architecture, or less of what else a package URL may say.
pub(crate) fn join(components: &mut Vec<Component>) {
    let claimed = |component: &Component| component.claim == Claim::Claimed;
    if !components.iter().any(claimed) {
        return;
    }
    // What is of the image's own distribution has another place now, and perhaps company.
    components.sort_by(|a, b| a.key().cmp(&b.key()).then(a.claim.cmp(&b.claim)));
    components.dedup_by(|later, first| {
        let same = later.key() == first.key();
        if same {
            first.evidence.append(&mut later.evidence);
        }
        same
    });
    let mut installed = HashMap::new();
    for (place, one) in components.iter().enumerate() {
        if one.claim == Claim::Installed {
            let exact = about(one, &one.architecture);
            installed.entry(exact).or_insert(place);
            installed.entry(about(one, "")).or_insert(place);
        }
    }
    let target = |one: &Component| {
        let key = about(one, &one.architecture);
        let place = installed.get(&key).copied().filter(|_| claimed(one))?;
        let ours = &components[place].qualifiers;
        let agrees = |(key, value): (&String, &String)| ours.get(key) == Some(value);
        one.qualifiers.iter().all(agrees).then_some(place)
    };
    let targets: Vec<_> = components.iter().map(target).collect();
    for (place, target) in targets.iter().enumerate() {
        if let Some(target) = *target {
            let evidence = std::mem::take(&mut components[place].evidence);
            components[target].evidence.extend(evidence);
        }
    }
    let mut targets = targets.into_iter();
    components.retain(|_| targets.next().flatten().is_none());
}

/// What a claim says of a package that it is about.
type About<'c> = (Kind, &'c str, &'c str, &'c str, &'c str);

fn about<'c>(one: &'c Component, architecture: &'c str) -> About<'c> {
    let Package {
        kind,
        namespace,
        name,
        version,
        ..
    } = &one.package;
    (*kind, namespace, name, version, architecture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(namespace: &str, distro: &str) -> Option<(String, String)> {
        let image = Distribution {
            id: "rhel".to_owned(),
            version_id: Some("9.4".to_owned()),
            ..Distribution::default()
        };
        let mut package = Package {
            namespace: namespace.to_owned(),
            claim: Claim::Claimed,
            ..Package::new(Kind::Rpm, "a", "1")
        };
        if !distro.is_empty() {
            let distro = ("distro".to_owned(), distro.to_owned());
            package.qualifiers.extend([distro]);
        }
        settle(&mut package, Some(&image));
        let other = package.other_distribution();
        other.map(|(id, release)| (id.to_owned(), release.to_owned()))
    }

    #[test]
    fn claims_of_the_images_distribution_are_its_own() {
        for (namespace, distro) in [
            ("", ""),
            ("rhel", ""),
            ("redhat", "rhel-9.4"),
            ("redhat", "9"),
            ("redhat", "redhat-9"),
        ] {
            assert_eq!(settled(namespace, distro), None, "{namespace} {distro}");
        }
        let other = |id: &str, release: &str| Some((id.to_owned(), release.to_owned()));
        assert_eq!(settled("redhat", "rhel-8.6"), other("rhel", "8.6"));
        assert_eq!(settled("almalinux", ""), other("almalinux", ""));
        assert_eq!(settled("alma", "9.4"), other("almalinux", "9.4"));
        assert_eq!(
            settled("", "opensuse-leap-15.5"),
            other("opensuse-leap", "15.5")
        );
    }
}
