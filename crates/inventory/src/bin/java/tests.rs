use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::{Claim, analyser::readers};

fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).expect("an entry");
        writer.write_all(content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

const POM: &str = "META-INF/maven/org.example/core/pom.properties";

fn found(path: &str, bytes: Vec<u8>) -> Vec<String> {
    let findings = read(path, &Body::of(bytes));
    assert!(findings.problems.is_empty(), "{:?}", findings.problems);
    let packages = findings.found.into_iter().flat_map(|found| match found {
        Found::Packages(packages) => packages,
        _ => Vec::new(),
    });
    let line = |p: Package| {
        let name = format!("{}:{}:{}", p.namespace, p.name, p.version);
        format!("{name} {:?} {}", p.confidence, p.within)
            .trim_end()
            .to_owned()
    };
    packages.map(line).collect()
}

#[test]
fn properties_come_first() {
    let pom = b"#Created\nversion=1.2\ngroupId=org.example\nartifactId=core\n";
    let manifest = b"Implementation-Title: Core\nImplementation-Version: 1.2\n";
    let file = jar(&[("META-INF/MANIFEST.MF", manifest), (POM, pom)]);
    assert_eq!(
        found("app/renamed.jar", file),
        ["org.example:core:1.2 High"]
    );
    assert_eq!(readers("app/renamed.jar"), ["java"]);
}

#[test]
fn a_shaded_archive_is_itself_and_what_it_holds() {
    let core = b"version=1.2\ngroupId=org.example\nartifactId=core\n";
    let app = b"version=3.0\r\ngroupId=org.example\r\nartifactId=app\r\n";
    let file = jar(&[
        (POM, core),
        ("META-INF/maven/org.example/app/pom.properties", app),
    ]);
    let both = ["org.example:core:1.2 High", "org.example:app:3.0 High"];
    assert_eq!(found("app-3.0.jar", file), both);
    let manifest = b"Bundle-SymbolicName: com.google.inject\nBundle-Version: 4.2.3\n";
    let file = jar(&[("META-INF/MANIFEST.MF", manifest), (POM, core)]);
    let both = [
        "org.example:core:1.2 High",
        "com.google.inject:guice:4.2.3 Low",
    ];
    assert_eq!(found("guice-4.2.3.jar", file), both);
}

#[test]
fn manifest_and_file_name_name_the_others() {
    let manifest = b"Implementation-Title: tool\nImplementation-Version: 2.\n 0\n\
        Implementation-Vendor-Id: org.tool\n\nName: a/b\nImplementation-Version: 9\n";
    let file = jar(&[("META-INF/MANIFEST.MF", manifest)]);
    assert_eq!(found("lib/tool.jar", file), ["org.tool:tool:2.0 Medium"]);
    let empty = jar(&[("a.class", b"")]);
    assert_eq!(
        found("lib/jsr305-3.0.2.jar", empty.clone()),
        [":jsr305:3.0.2 Low"]
    );
    assert!(found("lib/app.jar", empty).is_empty());
    assert!(found("lib/text.jar", b"no archive".to_vec()).is_empty());
}

#[test]
fn groups_are_the_most_telling() {
    let one = |path: &str, manifest: &str| {
        let file = jar(&[("META-INF/MANIFEST.MF", manifest.as_bytes())]);
        found(path, file).join(", ")
    };
    let kafka = "Implementation-Version: 2.9.10\nImplementation-Title: spring-kafka\n\
        Implementation-Vendor-Id: org.springframework.kafka\n";
    let expected = "org.springframework.kafka:spring-kafka:2.9.10 Medium";
    assert_eq!(one("lib/spring-kafka-2.9.10.jar", kafka), expected);
    let vendor = "Implementation-Vendor-Id: org.springframework.new\n";
    let expected = "org.springframework.new:spring-new-core:1.0 Low";
    assert_eq!(one("lib/spring-new-core-1.0.jar", vendor), expected);
    let vendor = "Implementation-Vendor-Id: org.apache\n";
    let expected = "org.apache.activemq:activemq-broker:5.0 Low";
    assert_eq!(one("lib/activemq-broker-5.0.jar", vendor), expected);
    let catalina = "Bundle-Name: tomcat-catalina\nBundle-SymbolicName: org.apache.tomcat-catalina\n\
        Bundle-Version: 9.0.70\nImplementation-Title: Apache Tomcat\nImplementation-Version: 9.0.70\n";
    let expected = "org.apache.tomcat:tomcat-catalina:9.0.70 Medium";
    assert_eq!(one("tomcat/lib/catalina.jar", catalina), expected);
    let ant = "Implementation-Title: Apache Tomcat\nImplementation-Version: 9.0.70\n";
    let expected = "org.apache.tomcat:tomcat-catalina-ant:9.0.70 Low";
    assert_eq!(one("tomcat/lib/catalina-ant.jar", ant), expected);
    let slf4j = "Bundle-SymbolicName: slf4j.api\nBundle-Version: 1.7.36\n";
    let expected = "org.slf4j:slf4j-api:1.7.36 Medium";
    assert_eq!(one("lib/slf4j-api.jar", slf4j), expected);
    let micrometer = "Implementation-Title: io.micrometer#micrometer-core;1.12.0\n\
        Implementation-Version: 1.12.0\n";
    let expected = "io.micrometer:micrometer-core:1.12.0 Medium";
    assert_eq!(one("lib/renamed.jar", micrometer), expected);
    let driver = "Implementation-Title: PostgreSQL JDBC Driver\nImplementation-Version: 42.6.0\n\
        Implementation-Vendor-Id: org.postgresql\nBundle-SymbolicName: org.postgresql.jdbc\n";
    let expected = "org.postgresql:postgresql:42.6.0 Medium";
    let path = "keycloak/lib/lib/main/org.postgresql.postgresql-42.6.0.jar";
    assert_eq!(one(path, driver), expected);
}

#[test]
fn folders_of_poms_are_group_and_name() {
    let aop = "META-INF/maven/io.micronaut/micronaut-aop/pom.xml";
    let other = "META-INF/maven/org.example/core/pom.xml";
    let manifest: (&str, &[u8]) = ("META-INF/MANIFEST.MF", b"Implementation-Version: 4.9\n");
    let expected = ["io.micronaut:micronaut-aop:4.9 Medium"];
    assert_eq!(found("x.jar", jar(&[manifest, (aop, b"")])), expected);
    let both = jar(&[manifest, (other, b""), (aop, b"")]);
    assert_eq!(found("micronaut-aop-4.9.jar", both.clone()), expected);
    assert_eq!(found("io.micronaut.micronaut-aop-4.9.jar", both), expected);
    // It holds something, and is something else.
    let shaded = jar(&[manifest, (other, b"")]);
    assert_eq!(found("tool-4.9.jar", shaded), [":tool:4.9 Low"]);
}

#[test]
fn bills_of_materials_are_read() {
    let bom =
        br#"{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:maven/a/b@1?type=jar"}]}"#;
    let boot = jar(&[("META-INF/sbom/application.cdx.json", bom)]);
    let findings = read("app.jar", &Body::of(boot));
    let [Found::Packages(packages)] = &findings.found[..] else {
        panic!("{findings:?}");
    };
    assert_eq!(packages[0].claim, Claim::Claimed);
    assert_eq!(packages[0].within, "META-INF/sbom/application.cdx.json");
    let broken = jar(&[("META-INF/sbom/application.cdx.json", b"{")]);
    assert_eq!(read("app.jar", &Body::of(broken)).problems.len(), 1);
}

#[test]
fn archives_of_other_makers_are_archives() {
    let core = jar(&[(POM, b"version=1.2\ngroupId=org.example\nartifactId=core\n")]);
    let manifest = b"Nar-Id: nifi-standard-nar\nNar-Group: org.apache.nifi\nNar-Version: 1.20.0\n";
    let nar = jar(&[
        ("META-INF/MANIFEST.MF", manifest),
        ("META-INF/bundled-dependencies/core-1.2.jar", &core),
    ]);
    let both = [
        "org.example:core:1.2 High META-INF/bundled-dependencies/core-1.2.jar",
        "org.apache.nifi:nifi-standard-nar:1.20.0 Medium",
    ];
    assert_eq!(found("nifi/lib/nifi-standard-nar-1.20.0.nar", nar), both);
    for extension in ["nar", "kar", "far", "lpkg", "zap"] {
        assert_eq!(readers(&format!("a.{extension}")), ["java"]);
    }
}

#[test]
fn licences_are_those_that_it_states_or_has_the_text_of() {
    let pom: (&str, &[u8]) = (POM, b"version=1.2\ngroupId=org.example\nartifactId=core\n");
    let license = b"Apache License\n  Version 2.0, January 2004\n";
    let licenses = |entries: &[(&str, &[u8])]| {
        let findings = read("core-1.2.jar", &Body::of(jar(&[entries, &[pom]].concat())));
        match &findings.found[..] {
            [Found::Packages(packages)] => packages[0].licenses.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        licenses(&[("META-INF/LICENSE.txt", license)]),
        ["Apache-2.0"]
    );
    assert_eq!(licenses(&[("LICENSE", license)]), ["Apache-2.0"]);
    let stated: (&str, &[u8]) = ("META-INF/MANIFEST.MF", b"Bundle-License: MIT\n");
    assert_eq!(licenses(&[stated, ("META-INF/LICENSE", license)]), ["MIT"]);
    // Of what lies further down it says nothing.
    let below = "META-INF/third-party/LICENSE";
    assert!(licenses(&[(below, license), ("META-INF/NOTICE", license)]).is_empty());
}

#[test]
fn looks_into_archives() {
    let pom = b"version=1.2\ngroupId=org.example\nartifactId=core\n";
    let inner = jar(&[(POM, pom)]);
    let middle = jar(&[("lib/core.jar", &inner)]);
    let outer = jar(&[("WEB-INF/lib/middle-1.0.jar", &middle), ("x.jar", b"")]);
    let expected = [
        "org.example:core:1.2 High WEB-INF/lib/middle-1.0.jar!lib/core.jar",
        ":middle:1.0 Low WEB-INF/lib/middle-1.0.jar",
    ];
    assert_eq!(found("srv/app.war", outer), expected);
}

fn unpacked(file: &[u8], before: u64) -> u64 {
    let mut reader = Archives {
        packages: Vec::new(),
        problems: Vec::new(),
        archives: 0,
        unpacked: before,
    };
    reader.archive("a.jar", &Body::of(file.to_vec()), "", 0);
    reader.unpacked - before
}

#[test]
fn all_that_is_unpacked_counts_and_nothing_is_beyond_the_bound() {
    let other = POM.replace("core", "more");
    let mut file = jar(&[(POM, &[b'a'; 100]), (&other, &[b'b'; 100])]);
    assert_eq!(unpacked(&file, 0), 200);
    assert_eq!(unpacked(&file, UNPACKED), 0);
    // The second entry's body is said to be the first's.
    let second = memmem::rfind(&file, b"PK\x01\x02").expect("an entry");
    file[second + 42..second + 46].fill(0);
    assert_eq!(unpacked(&file, 0), 100);
    let inner = [b'c'; 1000];
    let mut file = jar(&[("inner.jar", &inner)]);
    assert_eq!(unpacked(&file, 0), 1000);
    let entry = memmem::rfind(&file, b"PK\x01\x02").expect("an entry");
    file[entry + 16] ^= 1;
    assert_eq!(unpacked(&file, 0), 1000, "of another checksum");
}

#[test]
fn nesting_ends() {
    let mut file = jar(&[("a.class", b"")]);
    for _ in 0..DEPTH + 3 {
        file = jar(&[("a-1.0.jar", &file)]);
    }
    let findings = read("a.jar", &Body::of(file));
    assert_eq!(findings.problems.len(), 1);
    assert!(findings.problems[0].text.contains("too deep"));
}

#[test]
fn says_what_is_broken() {
    let file = jar(&[(POM, b"version=1")]);
    let findings = read("a.jar", &Body::of(file[..file.len() - 30].to_vec()));
    assert_eq!(findings.problems.len(), 1);
    let mut many = file.clone();
    let end = many.len() - 22;
    many.splice(end..end, [b"PK\x06\x06".as_slice(), &[0xff; 52]].concat());
    assert_eq!(read("a.jar", &Body::of(many)).problems.len(), 1);
}

#[test]
fn reads_an_archive_of_this_machine() {
    let path = "/usr/share/java/commons-lang3-3.12.0.jar";
    if let Some(bytes) = super::super::installed(path) {
        assert_eq!(
            found(path, bytes),
            ["org.apache.commons:commons-lang3:3.12.0 High"]
        );
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        read("a-1.0.jar", &Body::of([b"PK\x05\x06", &*bytes].concat()));
        Pom::read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn never_panics_on_nearly_right_archives(
        changes in proptest::collection::vec((0..1000_usize, proptest::num::u8::ANY), 0..6),
        text in "((version|groupId|artifactId)[=:][a-z0-9.${}]{0,6}\n){0,5}",
    ) {
        let mut file = jar(&[("b-1.jar", &jar(&[(POM, text.as_bytes())]))]);
        for (at, byte) in changes {
            let length = file.len();
            file[at % length] = byte;
        }
        read("a-1.0.jar", &Body::of(file));
    }
}
