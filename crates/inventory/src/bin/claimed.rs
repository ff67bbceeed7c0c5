//! Bills of materials that lie in an image: CycloneDX (ECMA-424) and SPDX 3 as JSON, SPDX 2
//! also as lines of tags, Syft's own form and Bitnami's list of components. What they list is
//! claimed and was not seen.

mod json;

use std::str::FromStr;

use memchr::memmem;

use crate::{
    Claim, Kind, Package, PackageUrl, Problem,
    analyser::{Analyser, Findings, Reading, Want},
    lang::python,
    os::rpm,
    utf16::without_mark,
};

/// Reads bills of materials.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "claimed",
    wants: &[Want::File(|file| is_document(&file.path))],
    read: Reading::Whole {
        most: MOST,
        read: |_, bytes| read(bytes),
    },
    ..Analyser::BASE
};

/// Bytes of a document.
pub(super) const MOST: u64 = 32 << 20;
/// Packages of one document that are kept; those of the largest images are a tenth.
const MAX_PACKAGES: usize = 20_000;
/// Bytes within which a document says what it is.
const HEAD: usize = 4096;

/// How names of documents end.
static ENDS: &[&str] = &["json", "spdx", "cdx", "bom", "sbom", "xml"];
/// What stands in their names.
static WORDS: &[&str] = &["spdx", "cdx", "cyclonedx", "bom", "sbom", "syft"];

/// Qualifiers of package URLs that say where a package or its file was, and not which it is.
static PLACES: &[&str] = &[
    "checksum",
    "distro",
    "download_url",
    "epoch",
    "file_name",
    "package-id",
    "repository_url",
    "upstream",
    "vcs_url",
];

/// Returns whether a file is called as bills of materials are: `.spdx-redis.spdx`,
/// `my-sbom.json`; below `*.dist-info/sboms` it may be called anything (PEP 770).
pub(super) fn is_document(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    (ENDS.contains(&end) && words.any(|word| WORDS.contains(&word)))
        || name == ".bitnami_components.json"
        || folder.ends_with(".dist-info/sboms")
}

/// Returns what a document lists by package URL; other files of such names are no problem.
pub(super) fn read(bytes: &[u8]) -> Findings {
    let bytes = without_mark(bytes);
    let bytes = bytes.trim_ascii_start();
    let head = &bytes[..bytes.len().min(HEAD)];
    let mut packages = match bytes.first() {
        Some(b'{') => match serde_json::from_slice(bytes) {
            Ok(document) => json::Document::into_packages(document),
            Err(error) => return Findings::unread(format!("no JSON: {error}")),
        },
        Some(b'<') if memmem::find(head, b"cyclonedx.org/schema/bom").is_some() => {
            return Findings::unread("a bill of materials as XML, which is not looked into");
        }
        _ if memmem::find(head, b"SPDXVersion:").is_some() => tags(&String::from_utf8_lossy(bytes)),
        _ => Vec::new(),
    };
    if packages.is_empty() {
        return Findings::default();
    }
    let text = format!("more than {MAX_PACKAGES} packages; the others are left out");
    let problem = (packages.len() > MAX_PACKAGES).then(|| Problem::at(0, text));
    packages.truncate(MAX_PACKAGES);
    Findings::packages(packages).with(problem.into_iter().collect())
}

/// Reads `ExternalRef: PACKAGE-MANAGER purl LOCATOR` of each package.
fn tags(text: &str) -> Vec<Package> {
    let references = text
        .lines()
        .filter_map(|line| line.strip_prefix("ExternalRef:"));
    let purls = references.filter_map(|reference| {
        let mut words = reference.split_ascii_whitespace().skip(1);
        words.next().filter(|word| *word == "purl")?;
        words.next()
    });
    let packages = purls.filter_map(|purl| package(purl, Vec::new()));
    packages.take(MAX_PACKAGES + 1).collect()
}

/// Makes a package of a package URL; nothing of a type that is no ecosystem, such as `oci`.
fn package(purl: &str, licenses: Vec<String>) -> Option<Package> {
    let mut purl = PackageUrl::from_str(purl).ok()?;
    let kind = *Kind::ALL.iter().find(|kind| kind.as_str() == purl.kind)?;
    let mut package = Package {
        namespace: purl.namespace,
        architecture: purl.qualifiers.remove("arch").unwrap_or_default(),
        licenses,
        claim: Claim::Claimed,
        ..Package::new(kind, purl.name, purl.version)
    };
    let places: Vec<_> = PLACES
        .iter()
        .map(|key| purl.qualifiers.remove_entry(*key))
        .collect();
    let places = places.into_iter().flatten();
    if kind.is_distribution() {
        of_distribution(&mut package, places);
    }
    match kind {
        Kind::Pypi => package.name = python::normalise(&package.name),
        // What an artifact is, if nothing is said.
        Kind::Maven => {
            purl.qualifiers
                .retain(|key, value| key != "type" || value != "jar");
        }
        _ => {}
    }
    package.qualifiers.extend(purl.qualifiers);
    (!package.version.is_empty()).then_some(package)
}

/// Puts qualifiers of a distribution's package where packages have them: the release it is of,
/// the epoch, the source.
fn of_distribution(package: &mut Package, places: impl Iterator<Item = (String, String)>) {
    for (key, value) in places {
        match &*key {
            "distro" => {
                package.qualifiers.insert(key, value);
            }
            "epoch" if value != "0" && !package.version.contains(':') => {
                package.version = format!("{value}:{}", package.version);
            }
            "upstream" if package.kind == Kind::Rpm => {
                (package.source_name, package.source_version) = rpm::source(&value);
            }
            "upstream" => {
                let (name, version) = value.split_once('@').unwrap_or((&value, ""));
                package.source_name = name.to_owned();
                package.source_version = version.to_owned();
            }
            _ => {}
        }
    }
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
        let spdx3 = r#"{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
            {"type": "CreationInfo"},
            {"type": "software_Package", "software_packageUrl": "pkg:npm/a@1.0.0"}]}"#;
        assert_eq!(found(spdx3), ["Npm  a 1.0.0 []"]);
        let tags = "SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: SECURITY cpe23Type cpe\n\
            ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1.0.0\n";
        assert_eq!(found(tags), ["Npm  a 1.0.0 []"]);
        let syft = r#"{"artifacts": [{"name": "a", "purl": "pkg:npm/a@1.0.0"}]}"#;
        assert_eq!(found(syft), ["Npm  a 1.0.0 []"]);
        let bitnami = r#"{"gosu": {"arch": "amd64", "type": "NAMI", "version": "1.14.0-1"}}"#;
        assert_eq!(found(bitnami), ["Bitnami  gosu 1.14.0-1 []"]);
        let xml = br#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>"#;
        assert_eq!(read(xml).problems.len(), 1);
        assert!(read(b"<project/>").problems.is_empty());
        assert!(found("{}").is_empty());
        assert_eq!(read(b"{").problems.len(), 1);
    }

    /// What no document of its form has stands where it has something else.
    #[test]
    fn passes_over_what_it_does_not_know() {
        let other =
            r#"[0, -1, 1.5, true, null, "a", [{"purl": "pkg:npm/a@1"}], {"purl": {"a": [1]}}"#;
        let cyclonedx = format!(
            r#"{{"components": {other}, {{"purl": "pkg:npm/b@1", "licenses": {other}],
            "components": 1}}], "bomFormat": "CycloneDX", "packages": {other}]}}"#
        );
        assert_eq!(found(&cyclonedx), ["Npm  b 1 []"]);
        let mut nested = String::new();
        for depth in 0..40 {
            nested = format!(
                r#"[{{"purl": "pkg:npm/a@{depth}", "components": {}}}]"#,
                if nested.is_empty() { "[]" } else { &nested }
            );
        }
        let nested = format!(r#"{{"bomFormat": "CycloneDX", "components": {nested}}}"#);
        assert_eq!(found(&nested).len(), 40);
        assert_eq!(found(&nested)[0], "Npm  a 39 []");
    }

    #[test]
    fn a_document_lists_so_many() {
        let one = r#"{"purl": "pkg:npm/a@1"}"#;
        let all = vec![one; MAX_PACKAGES + 2].join(",");
        let findings =
            read(format!(r#"{{"bomFormat": "CycloneDX", "components": [{all}]}}"#).as_bytes());
        assert_eq!(findings.problems.len(), 1);
        let lines = "ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n".repeat(MAX_PACKAGES + 2);
        let findings = read(format!("SPDXVersion: SPDX-2.3\n{lines}").as_bytes());
        assert_eq!(findings.problems.len(), 1);
    }

    #[test]
    fn keeps_what_tells_packages_of_distributions_apart() {
        let of = |purl| package(purl, Vec::new()).expect("a package");
        let ssl = of(
            "pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?arch=x86_64&epoch=1&distro=rhel-9.4\
            &upstream=openssl-3.0.7-24.el9.src.rpm",
        );
        assert_eq!(
            (&*ssl.namespace, &*ssl.version),
            ("redhat", "1:3.0.7-24.el9")
        );
        assert_eq!(ssl.source_name, "openssl");
        assert_eq!(ssl.source_version, "3.0.7-24.el9");
        assert_eq!(ssl.qualifiers["distro"], "rhel-9.4");
        assert_eq!(
            of("pkg:deb/debian/libssl3@3?upstream=openssl").source_name,
            "openssl"
        );
        // Where a file was makes no other package of it.
        let zope = of("pkg:pypi/zope.interface@8.7?file_name=a.whl&vcs_url=b");
        assert_eq!((&*zope.name, zope.qualifiers.len()), ("zope-interface", 0));
        let maven = of("pkg:maven/a/b@1?type=jar&classifier=x&repository_url=c");
        assert_eq!(maven.qualifiers.len(), 1);
    }

    #[test]
    fn wants_documents_wherever_they_are() {
        for path in [
            "opt/bitnami/redis/.spdx-redis.spdx",
            "var/lib/db/sbom/nginx-1.25.spdx.json",
            "srv/app/bom.json",
            "srv/my-sbom.json",
            "opt/docker/sbom/dhi-node/.spdx.dhi-node.json",
            "opt/bitnami/.bitnami_components.json",
            "usr/lib/python3/site-packages/pillow-11.dist-info/sboms/pillow.json",
            "srv/app.cdx",
            "srv/app.cdx.xml",
        ] {
            assert_eq!(readers(path), ["claimed"], "{path}");
        }
        assert!(readers("srv/node_modules/spdx-ids/index.json").is_empty());
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
