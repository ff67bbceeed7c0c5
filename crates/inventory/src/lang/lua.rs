//! Lua: the `*.rockspec` that LuaRocks keeps of each installed package
//! (github.com/luarocks/luarocks, "Rockspec format"). It is a program; it is read, never run.

use super::{lock, text::quoted};
use crate::{
    FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    licenses,
};

/// Reads `rocks-*/**/*.rockspec`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "lua",
    wants: &[Want::File(is_installed)],
    read: Reading::Whole {
        most: 1 << 20,
        read,
    },
    ..Analyser::BASE
};

/// Others are sources.
fn is_installed(file: &FileEntry) -> bool {
    file.path.ends_with(".rockspec") && file.path.contains("/rocks")
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    let assigned = |name: &str| {
        text.lines().find_map(|line| {
            let value = line.trim_start().strip_prefix(name)?.trim_start();
            quoted(value.strip_prefix('=')?.trim_start()).map(|(value, _)| value)
        })
    };
    // Expressions are not evaluated; LuaRocks' own folders are `NAME/VERSION`.
    let mut folders = path.rsplit('/').skip(1);
    let (version_folder, name_folder) = (folders.next(), folders.next());
    let kept = name_folder.zip(version_folder).filter(|(name, version)| {
        let file = path
            .rsplit('/')
            .next()
            .and_then(|file| file.strip_suffix(".rockspec"));
        file.and_then(|file| file.strip_prefix(*name)?.strip_prefix('-')) == Some(*version)
    });
    let or_folder = |text: Option<&'_ str>, folder: Option<&'_ str>| {
        let text = text.filter(|text| lock::is_sound(text));
        text.or(folder).map(str::to_owned)
    };
    let name = or_folder(assigned("package"), kept.map(|(name, _)| name));
    let version = or_folder(assigned("version"), kept.map(|(_, version)| version));
    let (Some(name), Some(version)) = (name, version) else {
        return Findings::unread("no `package` or `version` that is written down");
    };
    let license = assigned("license").and_then(licenses::normalise);
    Findings::packages(vec![Package {
        licenses: license.into_iter().collect(),
        ..Package::new(Kind::Luarocks, name.to_lowercase(), version)
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers, lang::listed};

    const PATH: &str =
        "usr/local/lib/luarocks/rocks-5.4/luasocket/3.1.0-1/luasocket-3.1.0-1.rockspec";

    #[test]
    fn reads_a_specification() {
        let findings = read(
            PATH,
            b"rockspec_format = \"3.0\"\npackage = \"LuaSocket\"\nversion = '3.1.0-1'\nsource = {\n  url = \"x\"\n}\n\
            description = {\n   license = \"MIT/X11\",\n}\n",
        );
        assert_eq!(listed(&findings), ["pkg:luarocks/luasocket@3.1.0-1"]);
        let Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[0].licenses, ["MIT"]);
    }

    #[test]
    fn expressions_leave_the_folders() {
        let text = b"local package_name = \"luasocket\"\npackage = package_name\n\
            version = package_version .. \"-\" .. revision\n";
        assert_eq!(
            listed(&read(PATH, text)),
            ["pkg:luarocks/luasocket@3.1.0-1"]
        );
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "package = name\nversion = \"1\"",
            "package = \"a\"",
            "package \"a\"",
        ] {
            assert_eq!(
                read("a.rockspec", text.as_bytes()).problems.len(),
                1,
                "{text}"
            );
        }
        assert_eq!(readers(PATH), ["lua"]);
        assert!(readers("src/a-1.rockspec").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "((package|version|license)[ =]{0,3}[\"'aé]{0,4}\n?){0,6}") {
            read(PATH, text.as_bytes());
            read("a-1.rockspec", text.as_bytes());
        }
    }
}
