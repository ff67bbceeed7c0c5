//! `container-manifest-2`: what `rpm -qa` printed when the image was made, ten columns between
//! tabs: name, version and release, two times, vendor, epoch, size, architecture, the epoch as
//! a number, source package. Images without rpm have it instead of a database.

use super::{full_version, source};
use crate::{
    Kind, Package,
    analyser::{Findings, Problems},
};

/// Returns the packages, and the lines that make no sense.
pub(super) fn read(bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    let (mut packages, mut problems) = (Vec::new(), Problems::default());
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let columns: Vec<_> = line.split('\t').map(known).collect();
        let [
            name,
            version,
            _,
            _,
            vendor,
            epoch,
            _,
            architecture,
            _,
            built_from,
            ..,
        ] = columns[..]
        else {
            problems.at(number + 1, "fewer than ten columns");
            continue;
        };
        if name.is_empty() || version.is_empty() {
            problems.at(number + 1, "a package without name or version");
            continue;
        }
        let (source_name, source_version) = source(built_from);
        let version = full_version(epoch.parse().ok(), version, "");
        packages.push(Package {
            architecture: architecture.to_owned(),
            source_name,
            source_version,
            vendor: Some(vendor.to_owned()).filter(|vendor| !vendor.is_empty()),
            ..Package::new(Kind::Rpm, name, version)
        });
    }
    Findings::packages(packages).with(problems.into_vec())
}

fn known(column: &str) -> &str {
    match column.trim() {
        "(none)" => "",
        column => column,
    }
}
