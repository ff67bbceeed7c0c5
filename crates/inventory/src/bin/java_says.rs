//! What a Java archive is: by Maven's `pom.properties` (maven.apache.org, "Maven Archiver"), else
//! by its manifest (the JAR file specification; OSGi Core, 3.2), else by its name.

use super::{java_group, java_name::FileName, manifest::Manifest};
use crate::{Confidence, Kind, Package};

/// What an archive says of itself.
#[derive(Default)]
pub(super) struct Says {
    pub(super) poms: Vec<Pom>,
    /// Group and name of each folder with a `pom.xml`.
    pub(super) folders: Vec<(String, String)>,
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
            packages.extend(self.guess(&file).map(|package| Package {
                licenses,
                within: within.to_owned(),
                ..package
            }));
        }
        packages
    }

    /// Names an archive without `pom.properties`; nothing without a version.
    fn guess(&self, file: &FileName<'_>) -> Option<Package> {
        let manifest = &self.manifest;
        // OSGi allows only numbers in front: `31.1-jre` is `31.1.0.jre` in a bundle's version,
        // and advisories know the former.
        let version = manifest
            .get("Implementation-Version")
            .or(manifest.get("Plugin-Version"))
            .or(manifest.get("Nar-Version"))
            .or(file.version)
            .or(manifest.get("Bundle-Version"))
            .or(manifest.get("Specification-Version"))?;
        let told = self
            .folder(file)
            .or_else(|| manifest.coordinates())
            .or_else(|| file.qualified(manifest.stated_group()));
        let (group, name) = match told {
            Some((group, name)) => (Some(group.to_owned()), name.to_owned()),
            None => {
                let name = name(file, manifest);
                (group(&name, version, manifest), name)
            }
        };
        if name.is_empty() {
            return None;
        }
        let agrees = told.is_some() || manifest.names(&name);
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

    /// Returns group and name of the folder that is the archive's own: of its name, or the only
    /// one where the name says nothing.
    fn folder(&self, file: &FileName<'_>) -> Option<(&str, &str)> {
        let is = |(group, name): &&(String, String)| {
            file.is(name) || file.name.strip_prefix(&**group) == Some(&format!(".{name}"))
        };
        let only = match &self.folders[..] {
            [only] if file.version.is_none() && self.poms.is_empty() => Some(only),
            _ => None,
        };
        let (group, name) = self.folders.iter().find(is).or(only)?;
        Some((group, name))
    }
}

/// Returns the name: a file name of Maven's form says it as Maven compares it; titles are for
/// people.
fn name(file: &FileName<'_>, manifest: &Manifest) -> String {
    if file.version.is_some() {
        return file.name.to_owned();
    }
    match manifest.name(file.name) {
        Some(name) => name.to_owned(),
        None if manifest.is_tomcat() && !file.name.starts_with("tomcat") => {
            format!("tomcat-{}", file.name)
        }
        None => file.name.to_owned(),
    }
}

/// Returns the group: the table's for the whole name, else that which says more of the one that
/// the manifest states and the one of names that begin so.
fn group(name: &str, version: &str, manifest: &Manifest) -> Option<String> {
    let Some(known) = java_group::of(name, Some(version)) else {
        return manifest.group(name);
    };
    let stated = manifest.stated_group();
    let stated = stated.filter(|stated| stated.contains('.') && !known.group.starts_with(stated));
    let group = stated.filter(|_| !known.whole).unwrap_or(known.group);
    Some(group.to_owned())
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
