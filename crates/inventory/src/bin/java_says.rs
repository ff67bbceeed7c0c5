//! What a Java archive is: by Maven's `pom.properties` (maven.apache.org, "Maven Archiver"), else
//! by its manifest (the JAR file specification; OSGi Core, 3.2), else by its name.

use super::{java_group, java_name::FileName, manifest::Manifest};
use crate::{Confidence, Kind, Package};

/// What an archive says of itself.
#[derive(Default)]
pub(super) struct Says {
    pub(super) poms: Vec<Pom>,
    pub(super) manifest: Manifest,
    /// What its licence files hold.
    pub(super) licenses: Vec<String>,
    /// How many of them were read.
    pub(super) license_files: usize,
}

impl Says {
    /// Returns the licences that it states, else those whose texts it has.
    fn licenses(&self) -> Vec<String> {
        let mut licenses = self.manifest.licenses();
        if licenses.is_empty() {
            licenses.clone_from(&self.licenses);
            licenses.sort();
            licenses.dedup();
        }
        licenses
    }

    /// Every `pom.properties` is a component, as shaded archives keep those of what they hold. The
    /// archive itself is one more, unless one of them is its own.
    pub(super) fn packages(&self, path: &str, within: &str) -> Vec<Package> {
        let file = FileName::read(path);
        let manifest = &self.manifest;
        let own = |pom: &Pom| file.is(&pom.name);
        // A pom of the archive's version is its own, too: shading changes names of files.
        let versions: Vec<_> = manifest.version().into_iter().chain(file.version).collect();
        let single = self.poms.len() == 1 && versions.is_empty();
        let known = |pom: &Pom| own(pom) || versions.contains(&&*pom.version);
        let known = single || self.poms.iter().any(known);
        let licenses = self.licenses();
        let mut packages: Vec<_> = self
            .poms
            .iter()
            .map(|pom| Package {
                namespace: pom.group.clone(),
                licenses: if single || own(pom) {
                    licenses.clone()
                } else {
                    Vec::new()
                },
                within: within.to_owned(),
                ..Package::new(Kind::Maven, &*pom.name, &*pom.version)
            })
            .collect();
        if !known {
            packages.extend(guess(&file, manifest).map(|package| Package {
                licenses,
                within: within.to_owned(),
                ..package
            }));
        }
        packages
    }
}

/// Group, name and version.
pub(super) struct Pom {
    group: String,
    name: String,
    version: String,
}

impl Pom {
    /// Reads `pom.properties`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let mut pairs = text.lines().filter_map(|line| line.split_once(['=', ':']));
            // The last of several counts.
            let value = pairs.rfind(|(name, _)| name.trim() == key)?.1.trim();
            let known =
                !value.is_empty() && !value.contains("${") && !value.contains(char::is_whitespace);
            known.then(|| value.to_owned())
        };
        Some(Self {
            group: value("groupId")?,
            name: value("artifactId")?,
            version: value("version")?,
        })
    }
}

/// Names an archive without `pom.properties`; nothing without a version.
fn guess(file: &FileName<'_>, manifest: &Manifest) -> Option<Package> {
    // A file name of Maven's form says the name as Maven compares it; titles are for people.
    let name = match file.version {
        Some(_) => file.name,
        None => manifest.name().unwrap_or(file.name),
    };
    if name.is_empty() {
        return None;
    }
    // OSGi allows only numbers in front: `31.1-jre` is `31.1.0.jre` in a bundle's version, and
    // advisories know the former.
    let version = manifest
        .get("Implementation-Version")
        .or(manifest.get("Plugin-Version"))
        .or(file.version)
        .or(manifest.get("Bundle-Version"))
        .or(manifest.get("Specification-Version"))?;
    let known = java_group::of(name).map(str::to_owned);
    let group = known.or_else(|| manifest.group(name));
    let agrees = manifest.names(name);
    Some(Package {
        namespace: group.unwrap_or_default(),
        confidence: if agrees {
            Confidence::Medium
        } else {
            Confidence::Low
        },
        ..Package::new(Kind::Maven, name, version)
    })
}
