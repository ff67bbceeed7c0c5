//! Debian's lists of installed files: `info/*.list`, and checksums where a list is missing
//! (dpkg(1), deb-md5sums(5)).

use crate::{
    FileEntry, Found, OwnedFiles,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    folders::parent,
};

/// Reads `dpkg/info/*.list`, `*.md5sums` and those of `dpkg/status.d`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "dpkg-files",
    wants: &[Want::File(wanted)],
    // The merge asks for those of each package.
    counts: Counts::Asked,
    read: Reading::Whole {
        most: 16 << 20,
        read,
    },
    ..Analyser::BASE
};

/// Returns whether a list lies where dpkg looks for it, or distroless images have it.
pub(crate) fn is_in_database(path: &str) -> bool {
    matches!(parent(path), "var/lib/dpkg/info" | "var/lib/dpkg/status.d")
}

fn wanted(file: &FileEntry) -> bool {
    let Some((folder, name)) = file.path.rsplit_once('/') else {
        return false;
    };
    (folder.ends_with("/dpkg/info") && (name.ends_with(".list") || name.ends_with(".md5sums")))
        || (folder.ends_with("/dpkg/status.d") && name.ends_with(".md5sums"))
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (package, is_list) = match name.strip_suffix(".list") {
        Some(package) => (package, true),
        None => (name.strip_suffix(".md5sums").unwrap_or(name), false),
    };
    let text = String::from_utf8_lossy(bytes);
    let mut paths = String::with_capacity(text.len());
    for line in text.lines() {
        let path = if is_list {
            Some(line)
        } else {
            // The checksum, two blanks, the path.
            line.split_once(' ').map(|(_, path)| path.trim_start())
        };
        let path = path.unwrap_or_default();
        let path = path.trim_start_matches("./").trim_start_matches('/');
        // `/.` stands for the root.
        if !path.is_empty() && path != "." {
            paths.push_str(path);
            paths.push('\n');
        }
    }
    Findings::one(Found::Owned(vec![OwnedFiles {
        package: package.to_owned(),
        paths,
    }]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::readers;

    fn paths(path: &str, text: &str) -> String {
        match read(path, text.as_bytes()).found.pop() {
            Some(Found::Owned(lists)) => format!("{}: {}", lists[0].package, lists[0].paths),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_both_forms() {
        let list = paths("var/lib/dpkg/info/a:amd64.list", "/.\n/usr\n/usr/bin/a\n");
        assert_eq!(list, "a:amd64: usr\nusr/bin/a\n");
        let sums = paths(
            "var/lib/dpkg/status.d/a.md5sums",
            "d41d8cd98f00b204e9800998ecf8427e  usr/bin/a b\nx\n",
        );
        assert_eq!(sums, "a: usr/bin/a b\n");
        assert_eq!(readers("var/lib/dpkg/info/a.list"), ["dpkg-files"]);
        assert_eq!(readers("var/lib/dpkg/status.d/a.md5sums"), ["dpkg-files"]);
        assert_eq!(readers("var/lib/dpkg/info/a.postinst"), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            name in "(a|\\.list|/b\\.md5sums)",
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        ) {
            read(&name, &bytes);
        }
    }
}
