//! Java archives: jar, war, ear and the like, and those within them. What an archive is follows
//! from what it says of itself.

use std::{
    collections::HashSet,
    io::{Read, Seek, SeekFrom},
};

use memchr::memmem;
use zip::ZipArchive;

use super::{
    claimed,
    java_says::{Pom, Says},
    manifest::Manifest,
};
use crate::{
    Found, Package, Problem,
    analyser::{Analyser, Findings, Reading, Want},
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
        Want::Extension("nar"),
        Want::Extension("kar"),
        Want::Extension("far"),
        Want::Extension("lpkg"),
        Want::Extension("zap"),
    ],
    read: Reading::Parts { read },
    ..Analyser::BASE
};

/// Of Java itself, Jenkins, NiFi, Karaf, Sling, Liferay and ZAP.
const EXTENSIONS: &[&str] = &[
    "jar", "war", "ear", "par", "sar", "rar", "hpi", "jpi", "nar", "kar", "far", "lpkg", "zap",
];
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
            } else if let Some(folder) = pom_folder(&name) {
                says.folders.push(folder);
            } else if name.contains("META-INF/sbom/") && claimed::is_document(&name) {
                let bytes = self.bytes(&mut archive, index, &mut seen, claimed::MOST);
                self.claims(&bytes.unwrap_or_default(), &place(within, &name));
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
        let place = place(within, name);
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

    /// Reads a bill of materials, as Spring Boot puts one into what it builds.
    fn claims(&mut self, bytes: &[u8], place: &str) {
        let findings = claimed::read(bytes);
        for problem in findings.problems {
            let text = format!("`{place}` {}", problem.text);
            self.problems.push(Problem::at(0, text));
        }
        for found in findings.found {
            if let Found::Packages(packages) = found {
                let within = packages.into_iter().map(|package| Package {
                    within: place.to_owned(),
                    ..package
                });
                self.packages.extend(within);
            }
        }
    }

    /// Returns a text; nothing if there is none, or its bytes are those of one in `seen`.
    fn text<R: Read + Seek>(
        &mut self,
        archive: &mut ZipArchive<R>,
        index: usize,
        seen: &mut HashSet<u64>,
    ) -> Option<String> {
        let bytes = self.bytes(archive, index, seen, TEXT)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn bytes<R: Read + Seek>(
        &mut self,
        archive: &mut ZipArchive<R>,
        index: usize,
        seen: &mut HashSet<u64>,
        most: u64,
    ) -> Option<Vec<u8>> {
        if self.unpacked >= UNPACKED {
            return None;
        }
        let entry = archive.by_index(index).ok()?;
        if !seen.insert(entry.header_start()) {
            return None;
        }
        let mut bytes = Vec::new();
        let read = entry.take(most).read_to_end(&mut bytes);
        self.unpacked += bytes.len() as u64;
        read.ok()?;
        Some(bytes)
    }
}

/// Returns where an entry lies in the file.
fn place(within: &str, name: &str) -> String {
    match within {
        "" => name.to_owned(),
        within => format!("{within}!{name}"),
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

/// Returns group and name of `META-INF/maven/GROUP/NAME/pom.xml`.
fn pom_folder(name: &str) -> Option<(String, String)> {
    let folder = name.strip_prefix("META-INF/maven/")?;
    let (group, name) = folder.strip_suffix("/pom.xml")?.split_once('/')?;
    let sound = !group.is_empty() && !name.is_empty() && !name.contains('/');
    sound.then(|| (group.to_owned(), name.to_owned()))
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
mod tests;
