//! Bills of materials that lie in an image: CycloneDX (ECMA-424) and SPDX 2 as JSON, as
//! Bitnami, Chainguard and others leave them. What they list is claimed and was not seen.

use std::str::FromStr;

use serde_json::Value;

use crate::{
    Claim, FileEntry, Kind, Package, PackageUrl,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    licenses,
};

/// Reads bills of materials.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "claimed",
    wants: &[
        Want::Tail(".spdx.json"),
        Want::Tail(".cdx.json"),
        Want::Tail(".cyclonedx.json"),
        Want::Name("bom.json"),
        Want::Name("sbom.json"),
        Want::File(is_bitnami),
    ],
    counts: Counts::Anywhere,
    read: Reading::Whole {
        most: 32 << 20,
        read: |_, bytes| read(bytes),
    },
};

/// CycloneDX lists components within components.
const DEPTH: usize = 16;

/// `.spdx-redis.spdx`, and the like.
fn is_bitnami(file: &FileEntry) -> bool {
    let name = file
        .path
        .rsplit_once('/')
        .map_or(&*file.path, |(_, name)| name);
    name.starts_with(".spdx-") && name.ends_with(".spdx")
}

/// Returns what a document lists by package URL; other files of such names are no problem.
pub(super) fn read(bytes: &[u8]) -> Findings {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = match serde_json::from_slice(bytes) {
        Ok(document) => document,
        Err(error) => return Findings::unread(format!("no JSON: {error}")),
    };
    let mut packages = Vec::new();
    if document["bomFormat"] == "CycloneDX" {
        cyclonedx(&document["components"], 0, &mut packages);
    } else if document["spdxVersion"].is_string() {
        for package in document["packages"].as_array().into_iter().flatten() {
            packages.extend(spdx(package));
        }
    }
    match packages.is_empty() {
        true => Findings::default(),
        false => Findings::packages(packages),
    }
}

fn cyclonedx(components: &Value, depth: usize, packages: &mut Vec<Package>) {
    if depth > DEPTH {
        return;
    }
    for component in components.as_array().into_iter().flatten() {
        let licenses = component["licenses"].as_array().into_iter().flatten();
        let licenses = licenses.filter_map(|one| {
            let name = [
                &one["license"]["id"],
                &one["license"]["name"],
                &one["expression"],
            ];
            name.into_iter().find_map(Value::as_str).map(str::to_owned)
        });
        let purl = component["purl"].as_str();
        packages.extend(purl.and_then(|purl| package(purl, licenses.collect())));
        cyclonedx(&component["components"], depth + 1, packages);
    }
}

fn spdx(package_value: &Value) -> Option<Package> {
    let mut references = package_value["externalRefs"].as_array()?.iter();
    let purl = references.find(|one| one["referenceType"] == "purl")?;
    let license = [
        &package_value["licenseConcluded"],
        &package_value["licenseDeclared"],
    ];
    let license = license.into_iter().filter_map(Value::as_str);
    let mut license = license.filter(|text| !matches!(*text, "NOASSERTION" | "NONE"));
    let licenses = license
        .next()
        .and_then(licenses::normalise)
        .into_iter()
        .collect();
    package(purl["referenceLocator"].as_str()?, licenses)
}

/// Makes a package of a package URL; nothing of a type that is no ecosystem, such as `oci`.
fn package(purl: &str, licenses: Vec<String>) -> Option<Package> {
    let mut purl = PackageUrl::from_str(purl).ok()?;
    let kind = Kind::ALL.iter().find(|kind| kind.as_str() == purl.kind)?;
    let mut package = Package {
        namespace: purl.namespace,
        architecture: purl.qualifiers.remove("arch").unwrap_or_default(),
        licenses,
        claim: Claim::Claimed,
        ..Package::new(*kind, purl.name, purl.version)
    };
    if kind.is_distribution() {
        // The image's own os-release says whose they are.
        package.namespace.clear();
    } else {
        package.qualifiers = purl.qualifiers;
    }
    (!package.version.is_empty()).then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers};

    fn found(json: &str) -> Vec<String> {
        let packages = read(json.as_bytes())
            .found
            .into_iter()
            .flat_map(|found| match found {
                Found::Packages(packages) => packages,
                _ => Vec::new(),
            });
        let line = |p: Package| {
            assert_eq!(p.claim, Claim::Claimed);
            format!(
                "{:?} {} {} {} {:?}",
                p.kind, p.namespace, p.name, p.version, p.licenses
            )
        };
        packages.map(line).collect()
    }

    #[test]
    fn reads_both_forms() {
        let cyclonedx = r#"{"bomFormat": "CycloneDX", "components": [
            {"name": "a", "purl": "pkg:maven/org.example/a@1.0", "licenses": [{"license": {"id": "MIT"}}],
             "components": [{"purl": "pkg:npm/%40babel/core@7.0.1"}]},
            {"name": "no purl"}, {"purl": "pkg:oci/x@1"}, {"purl": "broken"}]}"#;
        assert_eq!(
            found(cyclonedx),
            [
                r#"Maven org.example a 1.0 ["MIT"]"#,
                "Npm @babel core 7.0.1 []",
            ]
        );
        let spdx = r#"{"spdxVersion": "SPDX-2.3", "packages": [
            {"licenseConcluded": "NOASSERTION", "licenseDeclared": "BSD-3-Clause", "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe"},
                {"referenceType": "purl", "referenceLocator": "pkg:bitnami/redis@7.2.3-0?arch=amd64"}]},
            {"name": "none"}]}"#;
        assert_eq!(found(spdx), [r#"Bitnami  redis 7.2.3-0 ["BSD-3-Clause"]"#]);
        assert!(found("{}").is_empty());
        assert_eq!(read(b"{").problems.len(), 1);
    }

    #[test]
    fn wants_documents_wherever_they_are() {
        for path in [
            "opt/bitnami/redis/.spdx-redis.spdx",
            "var/lib/db/sbom/nginx-1.25.spdx.json",
            "srv/app/bom.json",
        ] {
            assert_eq!(readers(path), ["claimed"], "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            read(&bytes);
        }

        #[test]
        fn never_panics_on_package_urls(purl in "(pkg:)?(npm|deb|golang)?/?[a-z%@?/=&#0-9]{0,30}") {
            read(format!(r#"{{"bomFormat": "CycloneDX", "components": [{{"purl": "{purl}"}}]}}"#).as_bytes());
        }
    }
}
