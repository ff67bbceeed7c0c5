//! Java archives: jar, war, ear and the like, and those within them. What an archive is follows
//! from what it says of itself.

use std::{
    collections::HashSet,
    io::{Read, Seek, SeekFrom},
};

use memchr::memmem;
use zip::ZipArchive;

use super::{
    java_says::{Pom, Says},
    manifest::Manifest,
};
use crate::{
    Package, Problem,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    body::Body,
    licenses,
};

/// Reads archives, and archives in archives.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "java",
    wants: &[
        Want::Extension("jar"),
        Want::Extension("war"),
        Want::Extension("ear"),
        Want::Extension("par"),
        Want::Extension("sar"),
        Want::Extension("rar"),
        Want::Extension("hpi"),
        Want::Extension("jpi"),
    ],
    counts: Counts::Anywhere,
    read: Reading::Parts { read },
};

const EXTENSIONS: &[&str] = &["jar", "war", "ear", "par", "sar", "rar", "hpi", "jpi"];
/// Archives in archives in archives; Java's own class loaders know three.
const DEPTH: usize = 6;
/// Archives in one file, however deep.
const ARCHIVES: usize = 5000;
/// Bytes unpacked from one file, those unpacked twice counted twice.
const UNPACKED: u64 = 2 << 30;
/// Licence files that are read of one archive.
const LICENSES: usize = 4;
/// Bytes of a manifest or of properties.
const TEXT: u64 = 1 << 20;
/// Entries of one archive; the library holds all their names.
const ENTRIES: u64 = 200_000;
/// What ends an archive, with the longest comment behind it.
const END: u64 = 22 + 0xffff;

fn read(path: &str, body: &Body) -> Findings {
    // Other things have such names, and are no problem. Spring's executable archives begin
    // with a shell script.
    if !body.head().starts_with(b"PK") && entries(body).is_none() {
        return Findings::default();
    }
    let mut reader = Archives {
        packages: Vec::new(),
        problems: Vec::new(),
        archives: 0,
        unpacked: 0,
    };
    reader.archive(path, body, "", 0);
    Findings {
        problems: reader.problems,
        ..Findings::packages(reader.packages)
    }
}

/// Reads a file's archives and counts what it takes.
struct Archives {
    packages: Vec<Package>,
    problems: Vec<Problem>,
    archives: usize,
    unpacked: u64,
}

impl Archives {
    fn problem(&mut self, within: &str, text: impl std::fmt::Display) {
        let place = match within {
            "" => String::new(),
            within => format!("`{within}` "),
        };
        let text = format!("{place}not read: {text}");
        self.problems.push(Problem::at(0, text));
    }

    /// Reads an archive, which lies at `within` in the file.
    fn archive(&mut self, path: &str, body: &Body, within: &str, depth: usize) {
        self.archives += 1;
        if depth > DEPTH || self.archives > ARCHIVES {
            let limit = if depth > DEPTH { "deep" } else { "many" };
            if self.archives <= ARCHIVES + 1 {
                self.problem(within, format!("too {limit} archives in archives"));
            }
            return;
        }
        if entries(body).is_none_or(|count| count > ENTRIES) {
            return self.problem(within, "no end of the archive, or too many entries");
        }
        let mut archive = match ZipArchive::new(body.reader()) {
            Ok(archive) => archive,
            Err(error) => return self.problem(within, error),
        };
        let mut says = Says::default();
        let mut seen = HashSet::new();
        for index in 0..archive.len() {
            let Some(Ok(name)) = archive.name_for_index(index) else {
                continue;
            };
            let name = name.into_owned();
            if name.eq_ignore_ascii_case("META-INF/MANIFEST.MF") {
                if let Some(text) = self.text(&mut archive, index, &mut seen) {
                    says.manifest = Manifest::read(&text);
                }
            } else if name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties") {
                let text = self.text(&mut archive, index, &mut seen);
                says.poms.extend(Pom::read(&text.unwrap_or_default()));
            } else if is_own_license(&name) && says.license_files < LICENSES {
                says.license_files += 1;
                let text = self.text(&mut archive, index, &mut seen);
                says.licenses.extend(licenses::file::recognise(
                    text.unwrap_or_default().as_bytes(),
                ));
            } else if is_archive(&name) {
                self.nested(&mut archive, index, within, depth, &name);
            }
        }
        self.packages.extend(says.packages(path, within));
    }

    fn nested<R: Read + Seek>(
        &mut self,
        archive: &mut ZipArchive<R>,
        index: usize,
        within: &str,
        depth: usize,
        name: &str,
    ) {
        let place = match within {
            "" => name.to_owned(),
            within => format!("{within}!{name}"),
        };
        let most = UNPACKED.saturating_sub(self.unpacked);
        let mut entry = match archive.by_index(index) {
            Ok(entry) => entry.take(most.saturating_add(1)),
            Err(error) => return self.problem(&place, error),
        };
        let body = Body::read(&mut entry, most);
        // What breaks off, or has another checksum, was unpacked as well.
        self.unpacked += most.saturating_add(1) - entry.limit();
        drop(entry);
        match body {
            Ok(Some(body)) => {
                // A folder or a link of this name is no archive.
                if body.head().starts_with(b"PK") {
                    self.archive(name, &body, &place, depth + 1);
                }
            }
            Ok(None) if most > 0 => {
                self.problem(&place, format!("it unpacks to more than {most} bytes"));
            }
            // That was said of the one before.
            Ok(None) => {}
            Err(error) => self.problem(&place, error),
        }
    }

    /// Returns a text; nothing if there is none, or its bytes are those of one in `seen`.
    fn text<R: Read + Seek>(
        &mut self,
        archive: &mut ZipArchive<R>,
        index: usize,
        seen: &mut HashSet<u64>,
    ) -> Option<String> {
        if self.unpacked >= UNPACKED {
            return None;
        }
        let entry = archive.by_index(index).ok()?;
        if !seen.insert(entry.header_start()) {
            return None;
        }
        let mut bytes = Vec::new();
        let read = entry.take(TEXT).read_to_end(&mut bytes);
        self.unpacked += bytes.len() as u64;
        read.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Returns whether an entry holds the licence of the archive itself: `META-INF/LICENSE`, or one
/// beside it; those further down are of what was put into it.
fn is_own_license(name: &str) -> bool {
    let name = match name.split_once('/') {
        Some((folder, name)) if folder.eq_ignore_ascii_case("META-INF") => name,
        Some(_) => return false,
        None => name,
    };
    !name.contains('/') && licenses::file::is_license(name)
}

fn is_archive(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Returns how many entries the archive's end record says that there are; the 64-bit form has
/// a record of its own, and 0xffff here (APPNOTE.TXT, 4.3.14 and 4.3.16).
pub(crate) fn entries(body: &Body) -> Option<u64> {
    let start = body.size().saturating_sub(END);
    let mut tail = Vec::new();
    let mut reader = body.reader();
    reader.seek(SeekFrom::Start(start)).ok()?;
    reader.take(END).read_to_end(&mut tail).ok()?;
    let mut most = None;
    // Whichever record the library takes, none may say more.
    for at in memmem::find_iter(&tail, b"PK\x05\x06") {
        let count = tail.get(at + 10..at + 12)?;
        most = most.max(Some(u64::from(u16::from_le_bytes([count[0], count[1]]))));
    }
    for at in memmem::find_iter(&tail, b"PK\x06\x06") {
        let count = tail.get(at + 32..at + 40)?.first_chunk()?;
        most = most.max(Some(u64::from_le_bytes(*count)));
    }
    most
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::{Found, analyser::readers};

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
}
