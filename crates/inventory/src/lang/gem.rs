//! Ruby's gems: `specifications/*.gemspec`, which RubyGems writes when it installs, and what
//! `Gemfile.lock` asks for (guides.rubygems.org, "Specification reference"; bundler.io).
//! A specification is a program; it is read, never run.

use super::{lock, text::quoted};
use crate::{
    FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    folders::{Fills, parent},
    licenses,
};

/// Reads specifications of installed gems and `Gemfile.lock`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "gem",
    wants: &[
        Want::File(is_specification),
        Want::Name("Gemfile.lock"),
        Want::Name("Gemfile.next.lock"),
        Want::Name("gems.locked"),
    ],
    read: Reading::Whole {
        most: 4 << 20,
        read,
    },
    fills: &[Fills::Published("gems"), Fills::Records("specifications")],
    own_folder: |_, path| own_folder(path),
    ..Analyser::BASE
};

/// Others, within a gem's own folder, are sources, with expressions for name and version.
fn is_specification(file: &FileEntry) -> bool {
    let name = file.path.strip_suffix(".gemspec");
    let folder = name.and_then(|path| path.rsplit_once('/'));
    folder.is_some_and(|(folder, _)| {
        folder.ends_with("specifications")
            || folder.ends_with("specifications/default")
            || is_checkout(folder)
    })
}

/// Bundler keeps gems of Git repositories as `bundler/gems/NAME-REVISION`, with nothing but
/// their own specification.
fn is_checkout(folder: &str) -> bool {
    parent(folder).ends_with("bundler/gems")
}

fn own_folder(path: &str) -> Option<String> {
    let (folder, name) = path.strip_suffix(".gemspec")?.rsplit_once('/')?;
    if is_checkout(folder) {
        return Some(folder.to_owned());
    }
    let root = folder.strip_suffix("/specifications")?;
    Some(format!("{root}/gems/{name}"))
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    if path.ends_with(".gemspec") {
        let findings = specification(&text);
        let folder = parent(path);
        // A source's name and version may be expressions; the lock file has them.
        return match is_checkout(folder) && findings.found.is_empty() {
            true => Findings::default(),
            false => findings,
        };
    }
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    lock::findings(locked(&text))
}

fn specification(text: &str) -> Findings {
    // RubyGems puts `# stub: name version platform folders` before the program.
    let stub = text.lines().find_map(|line| line.strip_prefix("# stub: "));
    let mut stub = stub.unwrap_or_default().split(' ');
    let mut next = || stub.next().unwrap_or_default().to_owned();
    let (mut name, mut version, mut platform) = (next(), next(), next());
    let (mut found, mut dependencies, mut author) = (Vec::new(), Vec::new(), None);
    for line in text.lines() {
        let Some((_, rest)) = line.trim_start().split_once('.') else {
            continue;
        };
        let (key, value) = rest.split_once([' ', '(']).unwrap_or((rest, ""));
        let first = || literals(value).into_iter().next().unwrap_or_default();
        match key {
            "name" if name.is_empty() => name = first(),
            "version" if version.is_empty() => version = first(),
            "platform" if platform.is_empty() => platform = first(),
            "license" | "licenses" => found = literals(value),
            "author" | "authors" => author = Some(first()),
            "add_runtime_dependency" | "add_dependency" => dependencies.push(first()),
            _ => {}
        }
    }
    if !lock::is_sound(&name) || !lock::is_sound(&version) {
        return Findings::unread("no name or no version that is written down");
    }
    dependencies.sort_unstable();
    dependencies.dedup();
    dependencies.retain(|name| !name.is_empty());
    Findings::packages(vec![Package {
        licenses: found
            .iter()
            .filter_map(|name| licenses::normalise(name))
            .collect(),
        maintainer: author.filter(|author| !author.is_empty()),
        dependencies,
        ..gem(&name, &version, &platform)
    }])
}

fn gem(name: &str, version: &str, platform: &str) -> Package {
    let mut package = Package::new(Kind::Gem, name, version);
    if !platform.is_empty() && platform != "ruby" {
        let platform = ("platform".to_owned(), platform.to_owned());
        package.qualifiers.extend([platform]);
    }
    package
}

/// Returns the strings of an expression: `"a"`, `'a'` and `%q<a>`.
fn literals(mut text: &str) -> Vec<String> {
    let mut literals = Vec::new();
    // Where one is not closed, none behind it is: looking for that once is enough.
    let mut is_closed = true;
    while let Some(start) = text.find(['"', '\'', '%']) {
        text = &text[start..];
        let special = ["%q<", "%Q<"]
            .iter()
            .find_map(|open| text.strip_prefix(open));
        let literal = match special {
            Some(rest) if is_closed => {
                let literal = rest.split_once('>');
                is_closed = literal.is_some();
                literal
            }
            Some(_) => None,
            None => quoted(text),
        };
        match literal {
            Some((literal, rest)) => {
                literals.push(unescape(literal));
                text = rest;
            }
            None => text = &text[1..],
        }
    }
    literals
}

/// Undoes `\\u00E9`, which is how RubyGems writes letters beyond ASCII.
fn unescape(literal: &str) -> String {
    let mut parts = literal.split("\\u");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..4)
            .and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.and_then(char::from_u32) {
            Some(letter) => {
                text.push(letter);
                text += &part[4..];
            }
            None => {
                text += "\\u";
                text += part;
            }
        }
    }
    text
}

/// Gems stand as `    name (version)` below `specs:`; those of a `PATH` are the project's.
fn locked(text: &str) -> Vec<Package> {
    let (mut section, mut remote, mut revision) = ("", "", "");
    let mut packages = Vec::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            (section, remote, revision) = (line.trim_end(), "", "");
        }
        match line.trim_end().split_once(": ") {
            Some(("  remote", value)) => remote = value,
            Some(("  revision", value)) => revision = value,
            _ => {}
        }
        let entry = line
            .strip_prefix("    ")
            .filter(|rest| !rest.starts_with(' '));
        let parts = entry.and_then(|entry| entry.strip_suffix(')')?.split_once(" ("));
        let Some((name, version)) = parts.filter(|_| matches!(section, "GEM" | "GIT")) else {
            continue;
        };
        // No version has a dash; a platform follows it.
        let (version, platform) = version.split_once('-').unwrap_or((version, ""));
        let mut package = Package {
            claim: crate::Claim::Declared,
            ..gem(name, version, platform)
        };
        if section == "GIT" {
            let address = match revision {
                "" => format!("git+{remote}"),
                revision => format!("git+{remote}@{revision}"),
            };
            let address = ("vcs_url".to_owned(), address);
            package.qualifiers.extend([address]);
        }
        packages.push(package);
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers, lang::listed};

    const PATH: &str = "usr/lib/ruby/gems/3.3.0/specifications/a.gemspec";

    fn one(text: &str) -> Package {
        match read(PATH, text.as_bytes()).found.pop() {
            Some(Found::Packages(mut packages)) => packages.pop().expect("a package"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_what_rubygems_writes() {
        let package = one(
            "# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.15.4 x86_64-linux lib\n\n\
            Gem::Specification.new do |s|\n  s.name = \"nokogiri\".freeze\n  \
            s.version = \"1.15.4\".freeze\n  s.licenses = [\"MIT\".freeze, \"The Ruby License\".freeze]\n  \
            s.authors = [\"Mike, D\".freeze, \"B\"]\n  \
            s.add_runtime_dependency(%q<racc>.freeze, [\"~> 1.4\".freeze])\n  \
            s.add_development_dependency(%q<rake>.freeze)\nend\n",
        );
        assert_eq!((&*package.name, &*package.version), ("nokogiri", "1.15.4"));
        assert_eq!(package.qualifiers["platform"], "x86_64-linux");
        assert_eq!(package.licenses, ["MIT", "Ruby"]);
        assert_eq!(package.maintainer.as_deref(), Some("Mike, D"));
        assert_eq!(package.dependencies, ["racc"]);
    }

    #[test]
    fn reads_assignments_without_a_stub() {
        let package = one("Gem::Specification.new do |spec|\n  spec.name = 'a'\n  \
            spec.version = Gem::Version.new(\"1.0\")\nend");
        assert_eq!(crate::purl::purl(&package, None), "pkg:gem/a@1.0");
        for text in ["", "s.name = A", "s.name = 'a'\ns.version = A::VERSION\n"] {
            assert_eq!(read(PATH, text.as_bytes()).problems.len(), 1, "{text}");
        }
    }

    /// As large as is accepted; if each beginning were looked at to the end, it took minutes.
    #[test]
    fn literals_without_end_cost_no_more_than_others() {
        let text = format!("'a'{}", "%q<".repeat(1_300_000));
        assert_eq!(literals(&text), ["a"]);
    }

    #[test]
    fn reads_locks() {
        let findings = read(
            "srv/Gemfile.lock",
            b"PATH\n  remote: .\n  specs:\n    own (0.1.0)\n\nGIT\n  remote: x\n  specs:\n    g (2.0)\n\n\
            GEM\n  remote: https://example.org/\n  specs:\n    nokogiri (1.15.4-x86_64-linux)\n      racc (~> 1.4)\n    \
            racc (1.7.1)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  own!\n\nBUNDLED WITH\n   2.4.1\n",
        );
        let expected = [
            "pkg:gem/g@2.0?vcs_url=git%2Bx Declared",
            "pkg:gem/nokogiri@1.15.4?platform=x86_64-linux Declared",
            "pkg:gem/racc@1.7.1 Declared",
        ];
        assert_eq!(listed(&findings), expected);
    }

    #[test]
    fn wants_installed_ones() {
        assert_eq!(readers(PATH), ["gem"]);
        assert_eq!(
            readers("usr/lib/ruby/gems/3.3.0/specifications/default/a.gemspec"),
            ["gem"]
        );
        assert!(readers("usr/lib/ruby/gems/3.3.0/gems/a-1/a.gemspec").is_empty());
    }

    #[test]
    fn reads_checkouts_and_escapes() {
        let path = "app/vendor/bundle/ruby/3.2.0/bundler/gems/foo-abc123/foo.gemspec";
        assert_eq!(readers(path), ["gem"]);
        let text = b"Gem::Specification.new do |s|\n  s.name = 'foo'\n  s.version = '1.0.0'\nend\n";
        assert_eq!(listed(&read(path, text)), ["pkg:gem/foo@1.0.0"]);
        let text = b"Gem::Specification.new do |s|\n  s.version = Foo::VERSION\nend\n";
        assert!(read(path, text).problems.is_empty());
        assert_eq!(unescape("Andr\\u00E9 Arko"), "Andr\u{e9} Arko");
        assert_eq!(unescape("\\u\\u00"), "\\u\\u00");
        let lock = "GIT\n  remote: https://a.example/foo.git\n  revision: abc\n  specs:\n    foo (1.0.0)\n\n\
            GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.0.1)\n";
        let expected = [
            "pkg:gem/foo@1.0.0?vcs_url=git%2Bhttps:%2F%2Fa.example%2Ffoo.git%40abc Declared",
            "pkg:gem/rack@2.0.1 Declared",
        ];
        assert_eq!(listed(&read("app/Gemfile.lock", lock.as_bytes())), expected);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "((# stub: |s\\.)?(name|version|licenses|add_dependency)?[ =%q<>'\"()é.]{0,9}\n?){0,9}") {
            read(PATH, text.as_bytes());
            read("Gemfile.lock", format!("GEM\n{text}").as_bytes());
        }
    }
}
