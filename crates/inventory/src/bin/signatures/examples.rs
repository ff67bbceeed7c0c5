//! Each entry of the table, tried on what a real program has around its text and around all
//! that looks like it: `examples.txt`, in which a line `= NAME: component version, …` says a
//! program's file name and all that is to be found in it, and each line after it is a part of
//! the program, bytes that are no letters as `\xNN`, zero bytes as `\0`. Lines that begin with
//! `#` are comments.

use super::{super::fixture, Body, SEARCH, entries_for, plain, read, table};

static EXAMPLES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/bin/signatures/examples.txt"
);

struct Example {
    file: String,
    components: Vec<String>,
    parts: Vec<Vec<u8>>,
}

fn examples() -> Vec<Example> {
    let text = std::fs::read_to_string(EXAMPLES).expect("the examples");
    let mut examples: Vec<Example> = Vec::new();
    let lines = text.lines().filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with("# ")) {
        match line.strip_prefix("= ") {
            Some(head) => {
                let (file, components) = head.split_once(": ").expect("a name and components");
                examples.push(Example {
                    file: file.to_owned(),
                    components: components.split(", ").map(str::to_owned).collect(),
                    parts: Vec::new(),
                });
            }
            None => examples.last_mut().expect("a head").parts.push(bytes(line)),
        }
    }
    examples
}

/// Reads a line's escapes.
fn bytes(line: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.extend(plain.bytes());
        let (byte, length) = match escape.as_bytes()[0] {
            b'0' => (0, 1),
            b'x' => (u8::from_str_radix(&escape[1..3], 16).expect("a byte"), 3),
            other => (other, 1),
        };
        out.push(byte);
        rest = &escape[length..];
    }
    out.extend(rest.bytes());
    out
}

impl Example {
    fn found(&self) -> Vec<String> {
        let parts = self.parts.iter().map(|part| (".rodata", 1, &**part));
        let elf = fixture::elf(&parts.collect::<Vec<_>>());
        let packages = read(&self.file, &Body::of(elf)).into_iter();
        let mut lines: Vec<_> = packages
            .map(|package| format!("{} {}", package.name, package.version))
            .collect();
        lines.sort();
        lines
    }

    /// Returns whether this entry's text is in it, with a version that is to be found.
    fn shows(&self, place: usize) -> bool {
        let signature = &table::ALL[place];
        let named = entries_for(&plain(&self.file)).contains(&place);
        let mut shows = false;
        for part in self
            .parts
            .iter()
            .filter(|_| named || signature.files.is_empty())
        {
            let part = [b"\0", &**part].concat();
            SEARCH.patterns[place].places(&part, &mut |at| {
                let version = SEARCH.patterns[place].version(&part, at);
                let line = version.map(|version| format!("{} {version}", signature.name));
                shows |= line.is_some_and(|line| self.components.contains(&line));
            });
        }
        shows
    }
}

#[test]
fn each_program_is_found_and_nothing_else() {
    for example in examples() {
        assert_eq!(example.found(), example.components, "{}", example.file);
    }
}

#[test]
fn each_entry_has_an_example() {
    let examples = examples();
    for (place, signature) in table::ALL.iter().enumerate() {
        let shown = examples.iter().any(|example| example.shows(place));
        assert!(shown, "{} {}", signature.name, signature.pattern);
    }
}
