//! OpenWrt's and Yocto's record of installed packages: a status file of dpkg's form, and of each
//! package a control file, which says more, and a list of files (opkg(1)).

use crate::{
    FileEntry, Found, Kind, OwnedFiles,
    analyser::{Analyser, Counts, Findings, Reading, WHOLE_MOST, Want},
    licenses,
    os::dpkg,
};

/// Reads the status file.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "opkg",
    wants: &[Want::Tail("opkg/status")],
    counts: Counts::At(&["usr/lib/opkg/status", "var/lib/opkg/status"]),
    read: Reading::Whole {
        most: WHOLE_MOST,
        read: |_, bytes| status(bytes),
    },
    ..Analyser::BASE
};

/// Reads the control files.
pub(crate) static CONTROL: Analyser = Analyser {
    name: "opkg-control",
    wants: &[Want::File(|file| is_info(file, ".control"))],
    read: Reading::Whole {
        most: 1 << 20,
        read: |_, bytes| control(bytes),
    },
    ..Analyser::BASE
};

/// Reads the lists of files.
pub(crate) static FILES: Analyser = Analyser {
    name: "opkg-files",
    wants: &[Want::File(|file| is_info(file, ".list"))],
    read: Reading::Whole {
        most: 16 << 20,
        read: files,
    },
    ..Analyser::BASE
};

fn is_info(file: &FileEntry, end: &str) -> bool {
    let rest = file
        .path
        .strip_prefix("usr/lib/opkg/info/")
        .or_else(|| file.path.strip_prefix("var/lib/opkg/info/"));
    rest.is_some_and(|name| name.ends_with(end))
}

fn status(bytes: &[u8]) -> Findings {
    let (mut packages, problems) = dpkg::parse(bytes, Kind::Opkg);
    for package in &mut packages {
        // What is not said here may be in the control file.
        package.source_name = match package.source_name == package.name {
            true => String::new(),
            false => source(&package.source_name).to_owned(),
        };
        package.source_version.clear();
    }
    Findings::packages(packages).with(problems)
}

fn control(bytes: &[u8]) -> Findings {
    let Findings { mut found, .. } = status(bytes);
    let text = String::from_utf8_lossy(bytes);
    let field = |name: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.find_map(|(key, value)| (key == name).then_some(value.trim()))
    };
    let source_name = field("SourceName").filter(|name| !name.is_empty());
    let license = field("License").and_then(licenses::normalise);
    for found in &mut found {
        if let Found::Packages(packages) = found {
            for package in packages {
                package.licenses.extend(license.clone());
                if let Some(name) = source_name {
                    name.clone_into(&mut package.source_name);
                }
            }
        }
    }
    // A file that is none is of no interest: the status file says what is installed.
    Findings {
        found,
        ..Findings::default()
    }
}

/// Returns the name in `Source`, which is a folder in OpenWrt (`package/libs/libubox`) and a
/// recipe in Yocto (`openssl_3.0.3.bb`); nothing of an address.
fn source(field: &str) -> &str {
    if field.contains("://") || field.contains(char::is_whitespace) {
        return "";
    }
    let name = field.rsplit('/').next().unwrap_or(field);
    match name.strip_suffix(".bb") {
        Some(recipe) => recipe.split('_').next().unwrap_or(recipe),
        None => name,
    }
}

fn files(path: &str, bytes: &[u8]) -> Findings {
    let name = path.rsplit('/').next().unwrap_or(path);
    let text = String::from_utf8_lossy(bytes);
    // Later versions write mode and link target behind a tab.
    let paths = text.lines().filter_map(|line| line.split('\t').next());
    let paths = paths.map(|path| path.trim_start_matches('/'));
    Findings::one(Found::Owned(vec![OwnedFiles {
        package: name.trim_end_matches(".list").to_owned(),
        paths: paths.flat_map(|path| [path, "\n"]).collect(),
    }]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::readers;

    #[test]
    fn reads_status_and_lists() {
        let status = b"Package: busybox\nVersion: 1.36.1-1\nStatus: install user installed\nArchitecture: x86_64\n\n";
        let findings = super::status(status);
        let Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[0].kind, Kind::Opkg);
        assert!(packages[0].source_name.is_empty());
        let findings = files(
            "usr/lib/opkg/info/busybox.list",
            b"/bin/busybox\t0100755\n/bin/sh\n",
        );
        let Found::Owned(owned) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(owned[0].package, "busybox");
        assert_eq!(owned[0].paths, "bin/busybox\nbin/sh\n");
        assert_eq!(readers("usr/lib/opkg/info/busybox.list"), ["opkg-files"]);
        assert_eq!(readers("usr/lib/opkg/status"), ["opkg"]);
    }

    #[test]
    fn control_files_say_more() {
        let of = |text: &str| match control(text.as_bytes()).found.pop() {
            Some(Found::Packages(mut packages)) => packages.pop().expect("a package"),
            other => panic!("{other:?}"),
        };
        let ubox = of("Package: libubox20230523\nVersion: 2023-05-23-1\n\
            Source: package/libs/libubox\nSourceName: libubox\nLicense: ISC\n\
            Maintainer: Felix\nArchitecture: x86_64\n");
        assert_eq!(ubox.source_name, "libubox");
        assert_eq!(ubox.licenses, ["ISC"]);
        assert_eq!(ubox.maintainer.as_deref(), Some("Felix"));
        let source =
            |field: &str| of(&format!("Package: a\nVersion: 1\nSource: {field}\n")).source_name;
        assert_eq!(source("feeds/packages/net/curl"), "curl");
        assert_eq!(source("openssl_3.0.3.bb"), "openssl");
        assert_eq!(source("https://a.example/b.tar.gz"), "");
        assert_eq!(
            readers("usr/lib/opkg/info/busybox.control"),
            ["opkg-control"]
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            files("a", &bytes);
            control(&bytes);
        }
    }
}
