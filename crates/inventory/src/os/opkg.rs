//! OpenWrt's and Yocto's record of installed packages: a status file of dpkg's form, and a list
//! of files for each package (opkg(1)).

use crate::{
    FileEntry, Found, Kind, OwnedFiles,
    analyser::{Analyser, Counts, Findings, Reading, WHOLE_MOST, Want},
    os::dpkg,
};

/// Reads the status file.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "opkg",
    wants: &[Want::Tail("opkg/status")],
    counts: Counts::At(&["usr/lib/opkg/status", "var/lib/opkg/status"]),
    read: Reading::Whole {
        most: WHOLE_MOST,
        read: |_, bytes| {
            let (packages, problems) = dpkg::parse(bytes, Kind::Opkg);
            Findings::packages(packages).with(problems)
        },
    },
};

/// Reads the lists of files.
pub(crate) static FILES: Analyser = Analyser {
    name: "opkg-files",
    wants: &[Want::File(is_list)],
    counts: Counts::Anywhere,
    read: Reading::Whole {
        most: 16 << 20,
        read: files,
    },
};

fn is_list(file: &FileEntry) -> bool {
    let rest = file
        .path
        .strip_prefix("usr/lib/opkg/info/")
        .or_else(|| file.path.strip_prefix("var/lib/opkg/info/"));
    rest.is_some_and(|name| name.ends_with(".list"))
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
        let (packages, _) = dpkg::parse(status, Kind::Opkg);
        assert_eq!(packages[0].kind, Kind::Opkg);
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

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            files("a", &bytes);
        }
    }
}
