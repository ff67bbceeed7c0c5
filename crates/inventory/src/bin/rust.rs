//! Rust programs that list what they were built from: section `.dep-v0`, compressed JSON
//! (`cargo-auditable`, PARSING.md and its JSON schema).

use std::{collections::BTreeSet, io::Read};

use serde::Deserialize;

use super::layout::Layout;
use crate::{
    Kind, Package, Problem,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads the list.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "rust",
    wants: &[Want::Program],
    read: Reading::Parts {
        read: |_, body| read(body),
    },
    ..Analyser::BASE
};

/// Real lists have some ten thousand bytes.
const COMPRESSED_MOST: usize = 4 << 20;
const JSON_MOST: u64 = 16 << 20;
/// Bytes of a name; crates.io takes 64.
const NAME_MOST: usize = 512;
/// Bytes of the names of all dependencies: a list may name one any number of times by its place.
const DEPENDENCIES_MOST: usize = 8 << 20;

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    /// `build` if only build scripts need it; absent means that the program holds it.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    dependencies: Vec<usize>,
}

impl Crate {
    fn is_runtime(&self) -> bool {
        self.name.len() <= NAME_MOST && self.kind.as_deref().is_none_or(|kind| kind == "runtime")
    }
}

fn read(body: &Body) -> Findings {
    let Some(layout) = Layout::read(body) else {
        return Findings::default();
    };
    let Some(section) = layout.section(".dep-v0").filter(|part| part.size > 0) else {
        return Findings::default();
    };
    let Some(compressed) = section.bytes(body, COMPRESSED_MOST) else {
        return Findings::unread("section `.dep-v0` is too large");
    };
    let mut json = Vec::new();
    let decoder = flate2::read::ZlibDecoder::new(&*compressed);
    if let Err(error) = decoder.take(JSON_MOST).read_to_end(&mut json) {
        return Findings::unread(format!("section `.dep-v0`: {error}"));
    }
    match serde_json::from_slice(&json) {
        Ok(list) => packages(&list),
        Err(error) => Findings::unread(format!("section `.dep-v0`: {error}")),
    }
}

fn packages(list: &List) -> Findings {
    let runtime = list.packages.iter().filter(|one| one.is_runtime());
    let (mut left, mut left_out) = (DEPENDENCIES_MOST, 0);
    let package = |one: &Crate| {
        let needs = one.dependencies.iter();
        let needs = needs.filter_map(|index| list.packages.get(*index));
        let needs = needs.filter(|needed| needed.is_runtime());
        let mut needs: BTreeSet<_> = needs.map(|needed| &needed.name).collect();
        needs.retain(|name| {
            let fits = left.checked_sub(name.len());
            left = fits.unwrap_or(left);
            left_out += u32::from(fits.is_none());
            fits.is_some()
        });
        Package {
            dependencies: needs.into_iter().cloned().collect(),
            ..Package::new(Kind::Cargo, &*one.name, &*one.version)
        }
    };
    let packages = runtime.map(package).collect();
    let text = format!("{left_out} more dependencies are left out");
    let problem = (left_out > 0).then(|| Problem::at(0, text));
    Findings::packages(packages).with(problem.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{super::fixture, *};
    use crate::Found;

    const JSON: &str = r#"{"packages": [
        {"name": "adler", "version": "0.2.3", "source": "crates.io"},
        {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
        {"name": "app", "version": "0.1.0", "source": "local", "kind": "runtime",
         "dependencies": [0, 1, 99], "root": true}
    ]}"#;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn found(file: Vec<u8>) -> Vec<String> {
        let findings = read(&Body::of(file));
        let packages = findings.found.into_iter().flat_map(|found| match found {
            Found::Packages(packages) => packages,
            _ => Vec::new(),
        });
        let line = |p: Package| format!("{} {} {:?}", p.name, p.version, p.dependencies);
        packages.map(line).collect()
    }

    #[test]
    fn lists_what_the_program_holds() {
        let list = zlib(JSON.as_bytes());
        let expected = ["adler 0.2.3 []", r#"app 0.1.0 ["adler"]"#];
        assert_eq!(found(fixture::elf(&[(".dep-v0", 1, &list)])), expected);
        assert_eq!(found(fixture::pe(".dep-v0", &list)), expected);
        assert_eq!(found(fixture::mach_o(".dep-v0", &list)), expected);
        assert!(found(fixture::elf(&[(".text", 1, b"code")])).is_empty());
    }

    /// A few thousand bytes that would become gigabytes of names.
    #[test]
    fn names_of_dependencies_are_bounded() {
        let name = "n".repeat(NAME_MOST);
        let needs = "0,".repeat(4000);
        let more = |n| format!(r#"{{"name":"{n:0>512}","version":"1","dependencies":[{needs}0]}}"#);
        let one = format!(
            r#"{{"packages":[{}]}}"#,
            more(0).replace(&"0".repeat(512), &name)
        );
        let file = fixture::elf(&[(".dep-v0", 1, &zlib(one.as_bytes()))]);
        assert_eq!(found(file), [format!("{name} 1 {:?}", [&name])]);
        let long = one.replace(&name, &"n".repeat(NAME_MOST + 1));
        assert!(found(fixture::elf(&[(".dep-v0", 1, &zlib(long.as_bytes()))])).is_empty());
        let all: Vec<_> = (0..200).map(|n| n.to_string()).collect();
        let all = all.join(",");
        let crates: Vec<_> = (0..200)
            .map(|n| more(n).replace(&needs, &format!("{all},")))
            .collect();
        let json = format!(r#"{{"packages":[{}]}}"#, crates.join(","));
        let findings = read(&Body::of(fixture::elf(&[(
            ".dep-v0",
            1,
            &zlib(json.as_bytes()),
        )])));
        assert_eq!(
            findings.problems[0].text,
            "23616 more dependencies are left out"
        );
    }

    #[test]
    fn says_what_is_broken() {
        for content in [&b"no zlib"[..], &zlib(b"{}"), &zlib(JSON.as_bytes())[..20]] {
            let findings = read(&Body::of(fixture::elf(&[(".dep-v0", 1, content)])));
            assert_eq!(findings.problems.len(), 1);
            assert!(findings.found.is_empty());
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            read(&Body::of(fixture::elf(&[(".dep-v0", 1, &bytes)])));
            read(&Body::of(fixture::elf(&[(".dep-v0", 1, &zlib(&bytes))])));
        }

        #[test]
        fn never_panics_on_json(
            json in r#"\{"packages": ?\[(\{"name": ?"a", ?"version": ?"[0-9.]{0,3}"(, ?"dependencies": ?\[[0-9]{0,3}\])?\},?){0,4}\]\}"#
        ) {
            read(&Body::of(fixture::elf(&[(".dep-v0", 1, &zlib(json.as_bytes()))])));
        }
    }
}
