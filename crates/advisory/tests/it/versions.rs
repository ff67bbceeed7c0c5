//! The version orders against every vector there is, and as total orders.

use std::cmp::Ordering;

use plimsoll_advisory::version::Scheme;
use proptest::prelude::*;

use crate::support::shared;

fn check_vectors(scheme: Scheme, file: &str) {
    let Some(path) = shared(&format!("versions/{file}")) else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("readable vectors");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [a, relation, b] = words[..] else {
            panic!("strange vector: {line}")
        };
        let expected = match relation {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            other => panic!("strange relation {other}"),
        };
        let results = (scheme.compare(a, b), scheme.compare(b, a));
        if results != (Ok(expected), Ok(expected.reverse())) {
            wrong.push(format!("{line}: {results:?}"));
        }
        count += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 30, "only {count} vectors read");
}

#[test]
fn debian_vectors_all_hold() {
    check_vectors(Scheme::Dpkg, "debian-versions.txt");
    check_vectors(Scheme::Dpkg, "debian-versions-generated.txt");
}

#[test]
fn alpine_vectors_all_hold() {
    check_vectors(Scheme::Apk, "alpine-versions.txt");
    check_vectors(Scheme::Apk, "alpine-versions-generated.txt");
}

fn check_order(scheme: Scheme, mut versions: Vec<String>) -> Result<(), TestCaseError> {
    versions.retain(|version| scheme.check(version).is_ok());
    let compare = |a: &String, b: &String| scheme.compare(a, b).expect("both were checked");
    for a in &versions {
        prop_assert_eq!(compare(a, a), Ordering::Equal);
        for b in &versions {
            prop_assert_eq!(compare(a, b), compare(b, a).reverse(), "{} {}", a, b);
            for c in &versions {
                if compare(a, b).is_le() && compare(b, c).is_le() {
                    prop_assert!(compare(a, c).is_le(), "{} <= {} <= {}", a, b, c);
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn dpkg_is_a_total_order(versions in prop::collection::vec("([0-9]:)?[0-9a-c~.+]{1,5}(-[0-9a~+]{1,3})?", 3..7)) {
        check_order(Scheme::Dpkg, versions)?;
    }

    #[test]
    fn apk_is_a_total_order(versions in prop::collection::vec("[0-9.a]{0,4}(_(alpha|rc|p|git|x)[0-9]{0,2})?(~[0-9a-f]{0,2})?(-r?[0-9a-]{0,2})?", 3..7)) {
        check_order(Scheme::Apk, versions)?;
    }

    #[test]
    fn arbitrary_text_never_panics(a in any::<String>(), b in any::<String>()) {
        for scheme in [Scheme::Dpkg, Scheme::Apk] {
            let forth = scheme.compare(&a, &b);
            prop_assert_eq!(forth.is_ok(), scheme.compare(&b, &a).is_ok());
        }
    }
}
