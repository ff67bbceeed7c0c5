//! What Go's modules ask for: `go.mod` (go.dev/ref/mod, "go.mod files").

use super::lock;
use crate::{
    Kind, Package,
    analyser::{Analyser, Counts, Findings, Reading, Want},
};

/// Reads `go.mod`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "go-mod",
    wants: &[Want::Name("go.mod")],
    counts: Counts::Anywhere,
    read: Reading::Whole {
        most: 4 << 20,
        read,
    },
};

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut block = String::new();
    let (mut required, mut replaced) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line).trim();
        let words: Vec<_> = line.split_whitespace().map(unquote).collect();
        match &words[..] {
            [")"] => block.clear(),
            [verb, "("] => (*verb).clone_into(&mut block),
            ["require", path, version] => required.push((*path, *version)),
            [path, version] if block == "require" => required.push((*path, *version)),
            ["replace", rest @ ..] => replaced.push(rest.to_vec()),
            rest if block == "replace" => replaced.push(rest.to_vec()),
            _ => {}
        }
    }
    for words in &replaced {
        replace(&mut required, words);
    }
    let packages = required
        .into_iter()
        .map(|(path, version)| module(path, version));
    lock::findings(packages.collect())
}

fn unquote(word: &str) -> &str {
    word.trim_matches(['"', '`'])
}

/// `path [version] => path version`, or a folder without version, of which nothing is known.
fn replace<'t>(required: &mut Vec<(&'t str, &'t str)>, words: &[&'t str]) {
    let Some(arrow) = words.iter().position(|word| *word == "=>") else {
        return;
    };
    let (old, new) = (&words[..arrow], &words[arrow + 1..]);
    let is_old = |(path, version): &(&str, &str)| match old {
        [replaced] => path == replaced,
        [replaced, of] => path == replaced && version == of,
        _ => false,
    };
    match new {
        [path, version] => required
            .iter_mut()
            .filter(|one| is_old(one))
            .for_each(|one| *one = (*path, *version)),
        _ => required.retain(|one| !is_old(one)),
    }
}

fn module(path: &str, version: &str) -> Package {
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    Package {
        namespace: namespace.to_owned(),
        ..lock::declared(Kind::Golang, name, version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_requirements_and_replacements() {
        let findings = read(
            "srv/go.mod",
            b"module example.org/own\n\ngo 1.22\n\nrequire golang.org/x/net v0.20.0\n\nrequire (\n\t\
            github.com/a/b v1.0.0 // indirect\n\tgithub.com/a/local v1.0.0\n\tgithub.com/a/old v1.0.0\n)\n\n\
            replace github.com/a/local => ../local\n\nreplace (\n\tgithub.com/a/old v1.0.0 => github.com/c/new v2.0.0\n\t\
            github.com/a/b v0.9.0 => ../b\n)\nexclude golang.org/x/net v0.1.0\n",
        );
        let expected = [
            "pkg:golang/github.com/a/b@v1.0.0 Declared",
            "pkg:golang/github.com/c/new@v2.0.0 Declared",
            "pkg:golang/golang.org/x/net@v0.20.0 Declared",
        ];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn what_asks_for_nothing() {
        for text in ["", "module a", "require (", "replace =>", ")"] {
            assert!(read("go.mod", text.as_bytes()).found.is_empty(), "{text}");
        }
        assert!(
            read("go/pkg/mod/a/go.mod", b"require a v1.0.0")
                .found
                .is_empty()
        );
        assert_eq!(readers("srv/go.mod"), ["go-mod"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "((require|replace|=>|\\(|\\)|a/b|v1|//|é)[ \n]){0,20}") {
            read("go.mod", text.as_bytes());
        }
    }
}
