//! One generated layer, compressed and not, and the merge of ten.

use std::{hint::black_box, io::Write as _};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oci::Digest;
use plimsoll_inventory::{DiffId, Limits, merge, scan_layer};

/// 8,000 files of 8 KiB that compress about as well as programs do, and 400 packages.
fn layer() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut append = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, content)
            .expect("memory");
    };
    let mut state = 1_u64;
    let mut content = vec![0; 8 << 10];
    for index in 0..8000 {
        for byte in &mut content {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Few different bytes, long repeats now and then.
            *byte = if state >> 62 == 0 {
                (state >> 40) as u8 & 0x3f
            } else {
                0
            };
        }
        append(
            &format!("usr/lib/part{}/file{index}.so", index % 97),
            &content,
        );
    }
    let status: String = (0..400)
        .map(|n| format!("Package: p{n}\nStatus: install ok installed\nVersion: {n}\nDescription: x\n {}\n\n", "y ".repeat(400)))
        .collect();
    append("var/lib/dpkg/status", status.as_bytes());
    builder.into_inner().expect("memory")
}

fn benches(criterion: &mut Criterion) {
    let tar = layer();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&tar).expect("memory");
    let gzip = encoder.finish().expect("memory");
    let zstd = zstd::encode_all(&*tar, 3).expect("memory");
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("scan_layer");
    group
        .throughput(Throughput::Bytes(tar.len() as u64))
        .sample_size(20);
    for (name, bytes) in [("plain", &tar), ("gzip", &gzip), ("zstd", &zstd)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                scan_layer(&mut black_box(&**bytes), "", &limits, DiffId::Skip).expect("a layer")
            });
        });
    }
    group.finish();
    let report = scan_layer(&mut &*tar, "", &limits, DiffId::Skip).expect("a layer");
    let layers: Vec<_> = (0..10_u8)
        .map(|n| (Digest::of(&[n]), report.clone()))
        .collect();
    criterion.bench_function("merge ten layers", |b| b.iter(|| merge(black_box(&layers))));
}

criterion_group!(scan, benches);
criterion_main!(scan);
