//! What Go's modules ask for: `go.mod` (go.dev/ref/mod, "go.mod files").

use std::collections::HashMap;

use super::lock;
use crate::{
    Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    folders::Fills,
};

/// Reads `go.mod`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "go-mod",
    wants: &[Want::Name("go.mod")],
    read: Reading::Whole {
        most: 4 << 20,
        read,
    },
    fills: &[Fills::Published("pkg/mod")],
    ..Analyser::BASE
};

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    let text = String::from_utf8_lossy(bytes);
    let mut block = String::new();
    let (mut required, mut replaced) = (Vec::new(), HashMap::new());
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line).trim();
        let words: Vec<_> = line.split_whitespace().map(unquote).collect();
        match &words[..] {
            [")"] => block.clear(),
            [verb, "("] => (*verb).clone_into(&mut block),
            ["require", path, version] => required.push((*path, *version)),
            [path, version] if block == "require" => required.push((*path, *version)),
            ["replace", rest @ ..] => replaced.extend(replacement(rest)),
            rest if block == "replace" => replaced.extend(replacement(rest)),
            _ => {}
        }
    }
    let packages = required.into_iter().filter_map(|(path, version)| {
        // One for this version alone counts before one for all.
        let new = replaced.get(&(path, Some(version)));
        let new = new.or_else(|| replaced.get(&(path, None)));
        let (path, version) = new.copied().unwrap_or(Some((path, version)))?;
        Some(module(path, version))
    });
    lock::findings(packages.collect())
}

fn unquote(word: &str) -> &str {
    word.trim_matches(['"', '`'])
}

/// A module, of one version or all, and what stands in for it.
type Replacement<'t> = ((&'t str, Option<&'t str>), Option<(&'t str, &'t str)>);

/// `path [version] => path version`, or a folder without version, of which nothing is known.
fn replacement<'t>(words: &[&'t str]) -> Option<Replacement<'t>> {
    let arrow = words.iter().position(|word| *word == "=>")?;
    let old = match words[..arrow] {
        [path] => (path, None),
        [path, version] => (path, Some(version)),
        _ => return None,
    };
    let new = match words[arrow + 1..] {
        [path, version] => Some((path, version)),
        _ => None,
    };
    Some((old, new))
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

    /// As large as is accepted; if each were compared with each, it took minutes.
    #[test]
    fn many_replacements() {
        let lines = |head: &str, tail: &str| {
            (0..60_000)
                .map(|n| format!("{head}m{n}{tail}\n"))
                .collect::<String>()
        };
        let text = lines("require ", " v1.0.0") + &lines("replace ", " => n v2.0.0");
        assert!(text.len() < 4 << 20);
        let findings = read("srv/go.mod", text.as_bytes());
        assert_eq!(listed(&findings), ["pkg:golang/n@v2.0.0 Declared"]);
        let text = "require a v1\nreplace a v1 => b v1\nreplace a => ../a\nreplace b => c v1";
        let findings = read("srv/go.mod", text.as_bytes());
        assert_eq!(
            listed(&findings),
            ["pkg:golang/b@v1 Declared"],
            "the narrower, and once"
        );
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
