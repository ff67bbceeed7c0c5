//! The checks' texts, and the page made of them.

use std::{collections::BTreeSet, fs, path::Path};

use plimsoll_certify::{CHECKS, catalogue};

#[test]
fn every_check_explains_itself() {
    let mut ids = BTreeSet::new();
    for check in CHECKS {
        let kebab = |b: u8| b.is_ascii_lowercase() || b == b'-';
        assert!(check.id.bytes().all(kebab), "{}", check.id);
        assert!(ids.insert(check.id), "two checks are called {}", check.id);
        for text in [check.proves, check.help, check.suggestion] {
            assert!(
                text.len() > 20 && text.ends_with('.'),
                "{}: {text}",
                check.id
            );
            assert!(!text.contains("  "), "{}: {text}", check.id);
        }
        assert!(
            !check.title.is_empty() && !check.title.ends_with('.'),
            "{}",
            check.id
        );
    }
}

#[test]
fn every_file_of_a_check_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let files = fs::read_dir(folder)
        .expect("the folder of the checks")
        .count();
    assert_eq!(files, CHECKS.len());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the one who rewrites the page says so"
)]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks.md");
    if std::env::var("UPDATE_DOCS").is_ok() {
        fs::write(&path, catalogue()).expect("the page is written");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == catalogue(),
        "docs/checks.md is not current: rewrite it with UPDATE_DOCS=1 cargo test -p plimsoll-certify"
    );
}
