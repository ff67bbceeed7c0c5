use super::*;

/// Headers as rpm writes them: tag, type, values.
enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [u32]),
}

fn header(tags: &[(u32, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, value) in tags {
        while matches!(value, Value::Numbers(_)) && data.len() % 4 != 0 {
            data.push(0);
        }
        let offset = data.len() as u32;
        let mut text = |text: &str| data.extend(text.bytes().chain([0]));
        let (form, count) = match value {
            Value::Text(one) => {
                text(one);
                (6, 1)
            }
            Value::Texts(all) => {
                all.iter().for_each(|one| text(one));
                (8, all.len())
            }
            Value::Numbers(all) => {
                all.iter().for_each(|one| data.extend(one.to_be_bytes()));
                (4, all.len())
            }
        };
        for word in [*tag, form, offset, count as u32] {
            index.extend(word.to_be_bytes());
        }
    }
    let lengths = [tags.len() as u32, data.len() as u32];
    let mut blob: Vec<u8> = lengths.iter().flat_map(|n| n.to_be_bytes()).collect();
    blob.extend(index);
    blob.extend(data);
    blob
}

fn bash() -> Vec<u8> {
    header(&[
        (header::NAME, Value::Text("bash")),
        (header::VERSION, Value::Text("5.1.8")),
        (header::RELEASE, Value::Text("6.el9")),
        (header::EPOCH, Value::Numbers(&[1])),
        (header::VENDOR, Value::Text("AlmaLinux")),
        (header::LICENSE, Value::Text("GPLv3+")),
        (header::ARCH, Value::Text("x86_64")),
        (header::SOURCERPM, Value::Text("bash-5.1.8-6.el9.src.rpm")),
        (header::MODULARITYLABEL, Value::Text("shell:9:1:a")),
        (1117, Value::Texts(&["bash", "README"])),
        (1118, Value::Texts(&["/usr/bin/", "/usr/share/doc/bash/"])),
        (1116, Value::Numbers(&[0, 1])),
    ])
}

fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"RpmP\0\0\0\0\x01\0\0\0\x01\0\0\0".to_vec();
    file.resize(32, 0);
    let mut at = 4096 / 16;
    for (number, blob) in headers.iter().enumerate() {
        file.extend(b"Slot");
        for word in [number as u32 + 1, at, (blob.len() as u32 + 31) / 16] {
            file.extend(word.to_le_bytes());
        }
        at += (blob.len() as u32 + 31) / 16;
    }
    while file.len() < 4096 {
        file.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
    }
    for (number, blob) in headers.iter().enumerate() {
        file.extend(b"BlbS");
        for word in [number as u32 + 1, 0, blob.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(blob);
        file.resize(file.len().next_multiple_of(16), 0);
    }
    file
}

/// A hash of two pages and, for what is longer, a chain of two more.
fn berkeley(blob: &[u8], big: bool) -> Vec<u8> {
    let word = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let half = |n: u16| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut file = vec![0; 4 * 512];
    file[12..16].copy_from_slice(&word(0x0006_1561));
    file[20..24].copy_from_slice(&word(512));
    file[25] = 8;
    file[32..36].copy_from_slice(&word(3));
    let page = &mut file[512..1024];
    page[20..22].copy_from_slice(&half(2));
    page[25] = 13;
    page[26..28].copy_from_slice(&half(507));
    page[28..30].copy_from_slice(&half(495));
    page[495] = 3;
    page[499..503].copy_from_slice(&word(2));
    page[503..507].copy_from_slice(&word(blob.len() as u32));
    let (first, second) = blob.split_at(blob.len().min(486));
    for (at, part, next) in [(1024, first, 3), (1536, second, 0)] {
        let page = &mut file[at..at + 512];
        page[16..20].copy_from_slice(&word(next));
        page[22..24].copy_from_slice(&half(part.len() as u16));
        page[25] = 7;
        page[26..26 + part.len()].copy_from_slice(part);
    }
    file
}

fn packages(findings: &Findings) -> &[Package] {
    match &findings.found[..] {
        [Found::Packages(packages), ..] => packages,
        other => panic!("{other:?}"),
    }
}

fn check_bash(file: Vec<u8>) {
    let findings = read("", &Body::of(file));
    assert!(findings.problems.is_empty(), "{:?}", findings.problems);
    let bash = &packages(&findings)[0];
    assert_eq!((&*bash.name, &*bash.version), ("bash", "1:5.1.8-6.el9"));
    assert_eq!(
        (&*bash.source_name, &*bash.source_version),
        ("bash", "5.1.8-6.el9")
    );
    assert_eq!(bash.vendor.as_deref(), Some("AlmaLinux"));
    assert_eq!(bash.qualifiers["rpmmod"], "shell:9:1:a");
    assert_eq!(bash.licenses, ["GPL-3.0-or-later"]);
    let Found::Owned(owned) = &findings.found[1] else {
        panic!("no files");
    };
    assert_eq!(owned[0].paths, "usr/bin/bash\nusr/share/doc/bash/README\n");
}

#[test]
fn reads_ndb() {
    check_bash(ndb(&[bash()]));
}

#[test]
fn reads_berkeley_of_both_byte_orders() {
    check_bash(berkeley(&bash(), false));
    check_bash(berkeley(&bash(), true));
}

#[test]
fn a_chain_that_bites_its_tail_ends() {
    let mut file = berkeley(&bash(), false);
    file[503 + 512..507 + 512].copy_from_slice(&60_000_000_u32.to_le_bytes());
    file[1536 + 16] = 2;
    // Every turn adds bytes, so that the announced length ends it.
    let findings = read("", &Body::of(file));
    assert!(packages(&findings).len() + findings.problems.len() > 0);
}

#[test]
fn what_is_damaged_is_reported() {
    let whole = ndb(&[bash(), bash()]);
    let findings = read("", &Body::of(whole[..4500].to_vec()));
    assert_eq!(packages(&findings).len(), 1);
    assert!(findings.problems[0].text.contains("truncated"));
    assert!(
        read("", &Body::of(b"x".to_vec())).problems[0]
            .text
            .contains("no known form")
    );
}

#[test]
fn reads_the_list_of_images_without_a_database() {
    let line = "bash\t5.1.8-1.cm2\t1\t2\tMicrosoft Corporation\t(none)\t1\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n";
    let findings = manifest::read(format!("{line}\nbroken\n").as_bytes());
    let bash = &packages(&findings)[0];
    assert_eq!(
        (&*bash.version, &*bash.source_name),
        ("5.1.8-1.cm2", "bash")
    );
    assert_eq!(findings.problems[0].line, 3);
}

/// Real databases, each of another form, where the test data is at hand.
#[test]
fn reads_real_databases() {
    let Some(data) = crate::testing::data("rpmdb") else {
        return;
    };
    for (file, count) in [
        ("libuuid/Packages", 1),
        ("sle15-bci/Packages.db", 10),
        ("cbl-mariner-2.0/rpmdb.sqlite", 100),
    ] {
        let bytes = std::fs::read(data.join(file)).expect("a database");
        let findings = read("", &Body::of(bytes));
        assert!(
            findings.problems.is_empty(),
            "{file}: {:?}",
            findings.problems
        );
        assert!(
            packages(&findings).len() >= count,
            "{file}: {}",
            packages(&findings).len()
        );
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(
        form in 0..4_usize,
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..3000),
    ) {
        let mut file = bytes;
        let start: &[u8] = match form {
            0 => b"SQLite format 3\0\x02\0",
            1 => b"RpmP\0\0\0\0\0\0\0\0\x01\0\0\0",
            2 => b"\0\0\0\0\0\0\0\0\0\0\0\0\x61\x15\x06\0\0\0\0\0\0\x02\0\0\0\x08\0\0\0\0\0\0\x09\0\0\0",
            _ => b"",
        };
        let length = start.len().min(file.len());
        file[..length].copy_from_slice(&start[..length]);
        read("", &Body::of(file));
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0..4700_usize, byte in proptest::num::u8::ANY) {
        for mut file in [ndb(&[bash()]), berkeley(&bash(), false)] {
            if let Some(slot) = file.get_mut(at) {
                *slot = byte;
            }
            read("", &Body::of(file));
        }
    }

    #[test]
    fn headers_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let mut blob = vec![0, 0, 0, 2, 0, 0, 0, 40];
        blob.extend(&bytes);
        for blob in [&bytes, &blob] {
            if let Some(header) = header::Header::parse(blob) {
                header.paths(&mut PathLists::default());
                header.text(header::NAME);
            }
        }
    }
}

/// Made by SQLite 3.40 with pages of 512 bytes: `kept` and `gone` were moved into the database;
/// that `gone` went and others came stands in the log alone.
const DATABASE: &[u8] = include_bytes!("fixtures/rpmdb.sqlite");
const WRITE_AHEAD: &[u8] = include_bytes!("fixtures/rpmdb.sqlite-wal");

fn together(database: &[u8], log: &[u8]) -> Option<Vec<String>> {
    let log = Body::of(log.to_vec());
    let log = log::Log::read(&log)?;
    let findings = read_with(&Body::of(database.to_vec()), Some(&log));
    let Some(Found::Packages(packages)) = findings.found.first() else {
        return None;
    };
    let name = |package: &Package| package.name.trim_end_matches('x').to_owned();
    Some(packages.iter().map(name).collect())
}

#[test]
fn what_stands_in_the_log_counts() {
    assert_eq!(
        together(DATABASE, WRITE_AHEAD).expect("a log"),
        ["kept", "added", "huge"]
    );
    // What was not written to its end does not count.
    let cut = &WRITE_AHEAD[..WRITE_AHEAD.len() - 10];
    assert_eq!(together(DATABASE, cut).expect("a log"), ["kept", "added"]);
    assert_eq!(
        together(DATABASE, &WRITE_AHEAD[..32]).expect("a log"),
        ["kept", "gone"]
    );
    assert_eq!(together(DATABASE, b"no log"), None);
}

#[test]
fn database_and_log_are_put_together_whichever_comes_first() {
    let (database, log) = ("var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite-wal");
    for order in [
        [(database, DATABASE), (log, WRITE_AHEAD)],
        [(log, WRITE_AHEAD), (database, DATABASE)],
    ] {
        let mut pair = Pair::default();
        let mut said = None;
        for (path, bytes) in order {
            said = pair.offer(path, &mut Body::of(bytes.to_vec()));
        }
        let (path, findings) = said.expect("both");
        assert_eq!(path, database);
        assert!(findings.problems.is_empty());
    }
    let mut pair = Pair::default();
    let elsewhere = "usr/lib/sysimage/rpm/rpmdb.sqlite-wal";
    assert!(
        pair.offer(database, &mut Body::of(DATABASE.to_vec()))
            .is_none()
    );
    assert!(
        pair.offer(elsewhere, &mut Body::of(WRITE_AHEAD.to_vec()))
            .is_none()
    );
}

proptest::proptest! {
    #[test]
    fn a_log_never_panics(
        changes in proptest::collection::vec((0..WRITE_AHEAD.len(), proptest::num::u8::ANY), 0..6),
        end in 0..WRITE_AHEAD.len(),
    ) {
        let mut log = WRITE_AHEAD.to_vec();
        for (at, byte) in changes {
            log[at] = byte;
        }
        together(DATABASE, &log[..end]);
        together(&log, &log);
    }
}
