//! Arch Linux' record of installed packages: a folder for each, with `desc` and `files`
//! (pacman's `lib/libalpm/be_local.c`: a line `%FIELD%`, its values, an empty line).

use crate::{
    FileEntry, Found, Kind, OwnedFiles, Package,
    analyser::{Analyser, Findings, Reading, Want},
    licenses,
};

/// Reads what the packages say of themselves.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "pacman",
    wants: &[Want::File(|file| is_in_database(file, "desc"))],
    read: Reading::Whole {
        most: 1 << 20,
        read: |_, bytes| describe(bytes),
    },
    ..Analyser::BASE
};

/// Reads which files are theirs.
pub(crate) static FILES: Analyser = Analyser {
    name: "pacman-files",
    wants: &[Want::File(|file| is_in_database(file, "files"))],
    read: Reading::Whole {
        most: 16 << 20,
        read: files,
    },
    ..Analyser::BASE
};

fn is_in_database(file: &FileEntry, name: &str) -> bool {
    let rest = file.path.strip_prefix("var/lib/pacman/local/");
    rest.and_then(|rest| rest.split_once('/'))
        .is_some_and(|(_, last)| last == name)
}

fn describe(bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    let first = |field| values(&text, field).next().unwrap_or_default().to_owned();
    let (name, version) = (first("%NAME%"), first("%VERSION%"));
    if name.is_empty() || version.is_empty() {
        return Findings::unread("%NAME% or %VERSION% is missing");
    }
    let needs = values(&text, "%DEPENDS%").map(|need| {
        let end = need.find(['<', '>', '=', ':']).unwrap_or(need.len());
        need[..end].to_owned()
    });
    Findings::packages(vec![Package {
        architecture: first("%ARCH%"),
        source_name: first("%BASE%"),
        licenses: values(&text, "%LICENSE%")
            .filter_map(licenses::normalise)
            .collect(),
        maintainer: Some(first("%PACKAGER%")).filter(|packager| !packager.is_empty()),
        dependencies: needs.collect(),
        ..Package::new(Kind::Pacman, name, version)
    }])
}

fn files(path: &str, bytes: &[u8]) -> Findings {
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    // The folder is called NAME-VERSION-RELEASE.
    let name = folder.rsplitn(3, '-').nth(2).unwrap_or(folder);
    let text = String::from_utf8_lossy(bytes);
    let files = values(&text, "%FILES%").filter(|path| !path.ends_with('/'));
    let paths = files.flat_map(|path| [path, "\n"]).collect();
    Findings::one(Found::Owned(vec![OwnedFiles {
        package: name.to_owned(),
        paths,
    }]))
}

fn values<'t>(text: &'t str, field: &str) -> impl Iterator<Item = &'t str> {
    let mut lines = text.lines().map(str::trim);
    // Passes over everything before the field.
    lines.by_ref().find(|line| *line == field);
    lines.take_while(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::readers;

    #[test]
    fn reads_both_files() {
        let text = "%NAME%\nlib32-glibc\n\n%VERSION%\n2.40-1\n\n%BASE%\nglibc\n\n%ARCH%\nx86_64\n\n\
            %LICENSE%\nGPL\nLGPL\n\n%DEPENDS%\nlinux-api-headers>=4.10\n\n";
        let findings = describe(text.as_bytes());
        let Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[0].source_name, "glibc");
        assert_eq!(packages[0].licenses, ["GPL", "LGPL"]);
        assert_eq!(packages[0].dependencies, ["linux-api-headers"]);
        let path = "var/lib/pacman/local/lib32-glibc-2.40-1/files";
        let findings = files(
            path,
            b"%FILES%\nusr/\nusr/lib32/libc.so.6\n\n%BACKUP%\netc/x\n",
        );
        let Found::Owned(owned) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(owned[0].package, "lib32-glibc");
        assert_eq!(owned[0].paths, "usr/lib32/libc.so.6\n");
        assert_eq!(readers(path), ["pacman-files"]);
        assert_eq!(describe(b"%NAME%\n").problems.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(%(NAME|VERSION|FILES)%\n[ -~]{0,9}\n\n?){0,9}") {
            describe(text.as_bytes());
            files("var/lib/pacman/local/x", text.as_bytes());
        }
    }
}
