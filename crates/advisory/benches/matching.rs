//! Opening a database of a hundred thousand packages, and matching an image's packages.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use plimsoll_advisory::database::{Builder, Database};
use plimsoll_advisory::matching::{Kind, Package, match_packages};

fn feed(packages: usize) -> String {
    let mut text = String::new();
    for number in 0..packages {
        let year = 2015 + number % 12;
        writeln!(
            text,
            r#"{{"id":"T-{number}","aliases":["CVE-{year}-{number}"],"summary":"A flaw in package {number}","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{{"package":{{"ecosystem":"Debian:11","name":"package-{number}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1.2.3-4+deb11u5"}}]}}]}}]}}"#
        )
        .expect("to a string");
    }
    text
}

fn installed(number: usize) -> Package {
    Package {
        kind: Kind::Deb,
        distribution: "debian".into(),
        version_id: "11".into(),
        name: format!("package-{number}"),
        version: "1.2.3-4+deb11u4".into(),
        source_name: format!("package-{number}"),
        source_version: "1.2.3-4+deb11u4".into(),
        architecture: "amd64".into(),
        ..Package::default()
    }
}

fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("db");
    let mut builder = Builder::new(&path).expect("a builder");
    builder
        .add_bytes("bench", "bench", feed(100_000).as_bytes())
        .expect("readable");
    builder.finish("2026-11-21T00:00:00Z").expect("written");
    criterion.bench_function("open 100,000 packages", |bencher| {
        bencher.iter(|| Database::open(black_box(&path)).expect("opens"));
    });
    let database = Database::open(&path).expect("opens");
    let packages: Vec<Package> = (0..100).map(|number| installed(number * 997)).collect();
    criterion.bench_function("match 100 packages, all affected", |bencher| {
        bencher.iter(|| match_packages(black_box(&database), &packages).expect("readable"));
    });
    // An image as they are: 500 components, 50 of them affected, the others fixed.
    let image: Vec<Package> = (0..500)
        .map(|number| {
            let mut package = installed(number * 199);
            if number % 10 != 0 {
                package.source_version = "1.2.3-4+deb11u5".into();
            }
            package
        })
        .collect();
    criterion.bench_function("match an image of 500 packages", |bencher| {
        bencher.iter(|| match_packages(black_box(&database), &image).expect("readable"));
    });
}

criterion_group!(group, benches);
criterion_main!(group);
