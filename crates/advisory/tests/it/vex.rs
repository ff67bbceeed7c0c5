//! Statements about products, in each format, on the specifications' own examples.

use plimsoll_advisory::vex::{self, Statement, Status, Target, applicable};

use crate::support::shared;

const OPENVEX: &str = r#"{
  "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex-1",
  "author": "Vendor", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
  "statements": [
    {"vulnerability": {"name": "CVE-1", "aliases": ["GHSA-1"]},
     "products": [{"@id": "pkg:oci/app@sha256%3Aaaaa", "subcomponents": [{"@id": "pkg:deb/debian/curl"}]},
                  {"@id": "pkg:deb/debian/zlib@1.2"}],
     "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path",
     "impact_statement": "It is never called."},
    {"vulnerability": "CVE-2", "products": ["pkg:deb/debian/curl"], "status": "fixed"},
    {"vulnerability": {"name": "CVE-3"}, "products": [{"@id": "pkg:deb/debian/curl"}], "status": "odd"}
  ]}"#;

fn asked<'a>(
    statements: &'a [Statement],
    vulnerability: &str,
    purl: &str,
    image: &[String],
) -> Option<&'a Statement> {
    let target = Target {
        vulnerability: &[vulnerability],
        purl,
        image,
    };
    applicable(statements, target)
}

#[test]
fn openvex_products_parts_and_aliases() {
    let statements = vex::read(OPENVEX.as_bytes()).expect("OpenVEX");
    assert_eq!(statements.len(), 2, "an unknown status says nothing");
    let image = vec!["pkg:oci/app@sha256%3Aaaaa".to_owned()];
    let curl = "pkg:deb/debian/curl@7?arch=amd64";
    let found = asked(&statements, "GHSA-1", curl, &image).expect("about it");
    assert_eq!(
        (found.status, found.author.as_str()),
        (Status::NotAffected, "Vendor")
    );
    assert_eq!(found.text.as_deref(), Some("It is never called."));
    assert!(
        asked(&statements, "CVE-1", curl, &[]).is_none(),
        "another image"
    );
    assert!(
        asked(
            &statements,
            "CVE-1",
            "pkg:deb/debian/zlib@1.2?arch=amd64",
            &[]
        )
        .is_some()
    );
    assert!(asked(&statements, "CVE-1", "pkg:deb/debian/zlib@1.3", &[]).is_none());
    assert!(asked(&statements, "CVE-2", curl, &[]).is_some_and(|it| it.status.closes()));
}

#[test]
fn the_newest_statement_holds_and_of_equals_the_open_one() {
    let later = OPENVEX
        .replace("2026-01-01", "2026-02-01")
        .replace("not_affected", "affected");
    let same = OPENVEX.replace("not_affected", "affected");
    let status = |documents: &[&str]| {
        let read = documents
            .iter()
            .flat_map(|it| vex::read(it.as_bytes()).expect("OpenVEX"));
        let statements: Vec<_> = read.collect();
        let found = asked(&statements, "CVE-1", "pkg:deb/debian/zlib@1.2", &[]);
        found.map(|it| it.status)
    };
    assert_eq!(status(&[OPENVEX, &later]), Some(Status::Affected));
    assert_eq!(status(&[&later, OPENVEX]), Some(Status::Affected));
    assert_eq!(status(&[OPENVEX, &same]), Some(Status::Affected));
}

#[test]
fn cyclonedx_goes_by_references() {
    let document = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6",
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "supplier": {"name": "Vendor"}},
        "components": [{"type": "library", "name": "a", "components": [
            {"type": "library", "bom-ref": "curl-1", "name": "curl", "purl": "pkg:deb/debian/curl@7"}]}],
        "vulnerabilities": [
            {"id": "CVE-1", "affects": [{"ref": "curl-1"}],
             "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "No."}},
            {"id": "CVE-2", "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#curl-1"}],
             "analysis": {"state": "exploitable", "response": ["update"]}},
            {"id": "CVE-3", "affects": [{"ref": "curl-1"}]}]}"#;
    let statements = vex::read(document.as_bytes()).expect("CycloneDX");
    let curl = "pkg:deb/debian/curl@7?arch=amd64";
    let found = asked(&statements, "CVE-1", curl, &[]).expect("about it");
    assert_eq!(
        (found.author.as_str(), found.text.as_deref()),
        ("Vendor", Some("No."))
    );
    let other = asked(&statements, "CVE-2", curl, &[]).expect("about it");
    assert_eq!(other.status, Status::Affected);
    assert!(asked(&statements, "CVE-3", curl, &[]).is_none());
}

#[test]
fn csaf_goes_by_the_product_tree() {
    let document = r#"{"document": {"csaf_version": "2.0", "publisher": {"name": "Vendor"},
        "tracking": {"id": "V-1", "current_release_date": "2026-01-01T00:00:00Z"}},
      "product_tree": {"branches": [{"branches": [
          {"product": {"product_id": "os", "name": "OS 9"}},
          {"product": {"product_id": "curl", "name": "curl", "product_identification_helper": {"purl": "pkg:rpm/redhat/curl@7.76.1-1.el9"}}}]}],
        "relationships": [{"category": "default_component_of", "product_reference": "curl", "relates_to_product_reference": "os",
          "full_product_name": {"product_id": "os:curl", "name": "curl of OS 9"}}]},
      "vulnerabilities": [{"cve": "CVE-1", "product_status": {"known_not_affected": ["os:curl"]},
        "flags": [{"label": "component_not_present", "product_ids": ["os:curl"]}],
        "threats": [{"category": "impact", "details": "Not built in.", "product_ids": ["os:curl"]}]}]}"#;
    let statements = vex::read(document.as_bytes()).expect("CSAF");
    let found = asked(
        &statements,
        "CVE-1",
        "pkg:rpm/redhat/curl@7.76.1-1.el9?arch=x86_64",
        &[],
    );
    let found = found.expect("about it");
    assert_eq!(
        found.justification.as_deref(),
        Some("component_not_present")
    );
    assert_eq!(found.text.as_deref(), Some("Not built in."));
}

#[test]
fn every_example_of_csaf_is_read() {
    let Some(folder) = shared("csaf/csaf_2.0/examples/csaf/csaf_vex") else {
        return;
    };
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("readable");
        let statements = vex::read(&bytes).unwrap_or_else(|error| panic!("{error}"));
        assert!(!statements.is_empty(), "{}", path.display());
        assert!(
            statements.iter().all(|it| !it.products.is_empty()),
            "{}",
            path.display()
        );
        count += 1;
    }
    assert!(count >= 10, "{count} documents");
}

#[test]
fn what_is_no_document_is_refused() {
    for text in ["", "[]", "{}", "hello", r#"{"bomFormat": "Other"}"#] {
        assert!(vex::read(text.as_bytes()).is_err(), "{text}");
    }
    insta::assert_snapshot!(
        vex::read(b"{}").expect_err("no document"),
        @"the document is neither OpenVEX, nor CycloneDX, nor CSAF: it has no `@context` of openvex.dev, no `bomFormat`, no `document.csaf_version`"
    );
}

proptest::proptest! {
    #[test]
    fn damaged_documents_never_panic(at in 0..OPENVEX.len(), byte in proptest::num::u8::ANY, keep in 0..OPENVEX.len()) {
        let mut bytes = OPENVEX.as_bytes().to_vec();
        bytes[at] = byte;
        drop(vex::read(&bytes));
        bytes.truncate(keep);
        drop(vex::read(&bytes));
    }
}
