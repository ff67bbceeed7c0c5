//! The log: its tree against RFC 6962 written out, its proofs, its notes, its paths.

use chrono::DateTime;
use oci::Digest;
use plimsoll_trust::{
    SigningKey,
    log::{
        Consistency, Entry, Event, Hash, LogKey, LoggedEntry, Named, NoteError, ProofError, Span,
        State, Statement, StatementError, TILE_WIDTH, Tile, TileKind, Verifier, Witness,
        consistency, encode, fold, inclusion, leaf_hash, named, perfect, root, standing,
        submission, verify_consistency, verify_inclusion,
    },
    succession::{self, MAX_SUCCESSIONS, Succession, SuccessionError},
};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::key;

/// RFC 6962, section 2.1, word for word.
fn written_out(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => *one,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            let (left, right) = (written_out(&leaves[..k]), written_out(&leaves[k..]));
            Sha256::digest([&[1][..], &left, &right].concat()).into()
        }
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf_hash(&number.to_be_bytes()))
        .collect()
}

/// The hash of a span, by way of its perfect subtrees.
fn hash(leaves: &[Hash], span: Span) -> Hash {
    let part = |part: &plimsoll_trust::log::Perfect| {
        let start = usize::try_from(part.index << part.height).expect("small");
        root(&leaves[start..start + (1 << part.height)])
    };
    fold(&perfect(span).iter().map(part).collect::<Vec<_>>())
}

fn proof(leaves: &[Hash], spans: Vec<Span>) -> Vec<Hash> {
    spans.into_iter().map(|span| hash(leaves, span)).collect()
}

proptest! {
    #[test]
    fn roots_are_those_of_the_rfc(size in 0u64..300) {
        let leaves = leaves(size);
        let expected = written_out(&leaves);
        prop_assert_eq!(root(&leaves), expected);
        prop_assert_eq!(hash(&leaves, Span { start: 0, end: size }), expected);
    }

    #[test]
    fn every_entry_is_proven_and_no_other(size in 1u64..300, index in 0u64..300, flip in 0usize..20) {
        let all = leaves(size);
        let head = root(&all);
        let Some(spans) = inclusion(index, size) else {
            prop_assert!(index >= size);
            return Ok(());
        };
        let mut proof = proof(&all, spans);
        let leaf = leaf_hash(&index.to_be_bytes());
        prop_assert_eq!(verify_inclusion((&leaf, index), (size, &head), &proof), Ok(()));
        prop_assert!(verify_inclusion((&leaf_hash(b"other"), index), (size, &head), &proof).is_err());
        prop_assert!(verify_inclusion((&leaf, index), (size, &leaf), &proof).is_err() || size == 1);
        prop_assert!(verify_inclusion((&leaf, index + 1), (size, &head), &proof).is_err());
        if flip < proof.len() {
            proof[flip][0] ^= 1;
            prop_assert!(verify_inclusion((&leaf, index), (size, &head), &proof).is_err());
            proof[flip][0] ^= 1;
        }
        proof.push(leaf);
        prop_assert!(verify_inclusion((&leaf, index), (size, &head), &proof).is_err());
        proof.truncate(proof.len().saturating_sub(2));
        prop_assert!(verify_inclusion((&leaf, index), (size, &head), &proof).is_err() || size == 1);
    }

    #[test]
    fn every_past_is_proven_and_no_other(size in 1u64..300, old in 0u64..300, flip in 0usize..20) {
        let all = leaves(size);
        let head = root(&all);
        let Some(spans) = consistency(old, size) else {
            prop_assert!(old == 0 || old > size);
            return Ok(());
        };
        let before = root(&leaves(old));
        let mut proof = proof(&all, spans);
        prop_assert_eq!(verify_consistency((old, &before), (size, &head), &proof), Ok(()));
        let other = leaf_hash(b"other");
        prop_assert!(verify_consistency((old, &other), (size, &head), &proof).is_err());
        prop_assert!(verify_consistency((old, &before), (size, &other), &proof).is_err());
        if flip < proof.len() {
            proof[flip][0] ^= 1;
            prop_assert!(verify_consistency((old, &before), (size, &head), &proof).is_err());
            proof[flip][0] ^= 1;
        }
        proof.push(other);
        prop_assert!(verify_consistency((old, &before), (size, &head), &proof).is_err());
    }

    #[test]
    fn what_is_no_proof_is_refused_without_panic(
        numbers in any::<[u64; 3]>(),
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let hash = [7; 32];
        let [index, size, old] = numbers;
        prop_assert!(verify_inclusion((&hash, index), (size, &[8; 32]), &proof).is_err());
        prop_assert!(old == 0 || verify_consistency((old, &hash), (size, &[8; 32]), &proof).is_err());
    }

    #[test]
    fn tiles_have_one_path(level in 0u32..8, index in 0u64..i64::MAX as u64 / 256, width in 1u64..=256) {
        for kind in [TileKind::Hashes(level), TileKind::Entries] {
            let tile = Tile { kind, index, width };
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }
    }

    #[test]
    fn no_path_makes_it_panic(path in "[0-9x/.pentris]{0,40}") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
        }
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    let tile = Tile {
        kind: TileKind::Hashes(0),
        index: 1_234_067,
        width: TILE_WIDTH,
    };
    assert_eq!(tile.to_string(), "0/x001/x234/067");
    let partial = Tile {
        kind: TileKind::Entries,
        index: 0,
        width: 17,
    };
    assert_eq!(partial.to_string(), "entries/000.p/17");
    for wrong in [
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "00/000",
        "9/000",
        "0/0",
        "0/x000/001",
        "0/x001",
        "0/001/002",
        "entries/",
        "0/1000",
        "-1/000",
        "0/000.p/",
        "x/000",
    ] {
        assert!(wrong.parse::<Tile>().is_err(), "{wrong}");
    }
}

const VECTOR_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const VECTOR_NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn notes_are_those_of_others() {
    // The example of golang.org/x/mod/sumdb/note: signed well, and no checkpoint.
    let verifier = Verifier::parse(VECTOR_KEY).expect("a key");
    assert_eq!(verifier.to_string(), VECTOR_KEY);
    assert_eq!(verifier.open(VECTOR_NOTE), Err(NoteError::Checkpoint));
    let altered = VECTOR_NOTE.replace("answer", "reason");
    assert_eq!(verifier.open(&altered), Err(NoteError::Signature));
}

#[test]
fn a_checkpoint_opens_with_the_logs_key_alone() {
    let log = LogKey::new("market.example/log", &[3; 32]);
    let note = log.sign(5, &[9; 32]);
    let head = log.verifier().open(&note).expect("signed");
    assert_eq!((head.size, head.root), (5, [9; 32]));
    let witnessed = format!("{note}— witness.example AAAAAAAA\n");
    assert_eq!(log.verifier().open(&witnessed).expect("signed"), head);
    let other = LogKey::new("market.example/log", &[4; 32]);
    assert!(matches!(
        other.verifier().open(&note),
        Err(NoteError::Unsigned(_))
    ));
    for wrong in [
        "",
        "\n\n",
        "a\n\n",
        &note.replace('5', "05"),
        &note.replace("— ", "- "),
        &note[..note.len() - 1],
    ] {
        assert!(log.verifier().open(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(
        Verifier::parse(&log.verifier().to_string()).as_ref(),
        Ok(log.verifier())
    );
    for wrong in ["", "a+b+c", "a b+00000000+AQ==", "a++"] {
        assert_eq!(Verifier::parse(wrong), Err(NoteError::Key), "{wrong}");
    }
}

/// As PyPI's aics-tlog writes them, by the key of thirty-two fives.
const WITNESS: &str = "witness.example/w+1093b504+BG56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx";
const COSIGNATURE: &str = "— witness.example/w EJO1BAAAAABlU/EAWIKVVJvXjJdsyRz0VTNbr4O4lQpX7xfsybz/HrWk7mpfQA7NqiXc0tnjXDwOQA05XcyLDot38uWLtBIMUjpUCw==";

#[test]
fn cosignatures_are_those_of_others() {
    let witness: Witness = WITNESS.parse().expect("a key");
    assert_eq!(witness.to_string(), WITNESS);
    assert_eq!(witness.name(), "witness.example/w");
    let log = LogKey::new("market.example/log", &[3; 32]);
    let note = log.sign(5, &[9; 32]);
    assert_eq!(witness.cosigned(&note), None);
    let at = DateTime::from_timestamp(1_700_000_000, 0);
    let cosigned = format!("{note}— other AAAAAAAA\n{COSIGNATURE}\n");
    assert_eq!(witness.cosigned(&cosigned), at);
    assert!(log.verifier().open(&cosigned).is_ok());
    let answer = format!("— other AAAAAAAA\nrubbish\n{COSIGNATURE}\n");
    let picked = witness.pick(&note, &answer).expect("it is there");
    assert_eq!((picked.0, Some(picked.1)), (COSIGNATURE, at));
    let other = log.sign(6, &[9; 32]);
    assert_eq!(witness.pick(&other, &answer), None, "of another head");
    for wrong in [
        "",
        "a+b+c",
        &WITNESS.replace("witness", "another"),
        &log.verifier().to_string(),
    ] {
        assert_eq!(wrong.parse::<Witness>(), Err(NoteError::Witness), "{wrong}");
    }
    assert_eq!(Verifier::parse(WITNESS), Err(NoteError::Key));
    assert_eq!(submission(0, &[], &note), format!("old 0\n\n{note}"));
    let asked = submission(3, &[[0; 32]], &note);
    let zeros = "A".repeat(43);
    assert_eq!(asked, format!("old 3\n{zeros}=\n\n{note}"));
}

const NAME: &str = "market.example/acme/db";

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn entry(seconds: i64, name: &str, event: Event) -> Entry {
    Entry {
        at: DateTime::from_timestamp(seconds, 0).expect("a time"),
        name: name.to_owned(),
        event,
    }
}

fn released(tag: &str, image: &str) -> Event {
    Event::Released {
        tag: tag.to_owned(),
        digest: digest(image),
        certified: true,
        key: "k".to_owned(),
    }
}

/// A log of two names, and what it says of the first.
struct Log {
    entries: Vec<Entry>,
}

impl Log {
    fn new() -> Self {
        let other = "market.example/other/app";
        let events = [
            (NAME, released("1.0", "one")),
            (other, released("1.0", "else")),
            (NAME, Event::Held),
            (NAME, released("1.0", "two")),
            (NAME, Event::Reinstated),
            (NAME, Event::Revoked),
        ];
        let entries = (100..).step_by(100).zip(events);
        Self {
            entries: entries
                .map(|(at, (name, event))| entry(at, name, event))
                .collect(),
        }
    }

    fn leaves(&self) -> Vec<Hash> {
        self.entries
            .iter()
            .map(|entry| leaf_hash(&entry.to_bytes()))
            .collect()
    }

    fn statement(&self, size: u64, since: Option<u64>) -> Statement {
        let leaves = &self.leaves()[..usize::try_from(size).expect("small")];
        let entries = self
            .entries
            .iter()
            .zip(0..size)
            .filter(|(entry, _)| entry.name == NAME);
        let entries = entries.map(|(entry, index)| LoggedEntry {
            index,
            entry: String::from_utf8(entry.to_bytes()).expect("JSON"),
            proof: encode(&proof(leaves, inclusion(index, size).expect("inside"))),
        });
        let log = LogKey::new("market.example/log", &[3; 32]);
        let head = (size, &root(leaves));
        let now = DateTime::from_timestamp(1_000, 0).expect("a time");
        let mut statement =
            Statement::sign(NAME, entries.collect(), head, (&key(7), &log), now).expect("signed");
        statement.consistency = since.map(|since| Consistency {
            since,
            proof: encode(&proof(leaves, consistency(since, size).expect("a past"))),
        });
        let bytes = serde_json::to_vec(&statement).expect("JSON");
        Statement::parse(&bytes).expect("what was written")
    }
}

#[test]
fn a_statement_of_another_form_is_not_read() {
    let mut statement = Log::new().statement(6, None);
    statement.schema_version = 2;
    let bytes = serde_json::to_vec(&statement).expect("JSON");
    let refused = Statement::parse(&bytes).expect_err("unknown").to_string();
    assert!(refused.contains("use a newer plimsoll"), "{refused}");
}

#[test]
fn a_statement_holds_as_it_was_signed_only() {
    let log = Log::new();
    let keys = [key(7).public()];
    let statement = log.statement(6, None);
    let opened = statement.open(NAME, &keys).expect("it holds");
    assert_eq!(opened.entries.len(), 5);
    assert_eq!(opened.log, "market.example/log");

    let altered = |alter: &dyn Fn(&mut Statement)| {
        let mut statement = statement.clone();
        alter(&mut statement);
        statement.open(NAME, &keys).expect_err("altered")
    };
    let left_out = altered(&|statement| drop(statement.entries.pop()));
    assert_eq!(left_out, StatementError::Entries);
    let swapped = altered(&|statement| statement.entries.swap(0, 1));
    assert_eq!(swapped, StatementError::Entries);
    let doubled = altered(&|statement| statement.entries[4] = statement.entries[3].clone());
    assert_eq!(doubled, StatementError::Entries);
    let reworded = altered(&|statement| {
        let text = &mut statement.entries[0].entry;
        *text = text.replace("1.0", "1.1");
    });
    assert_eq!(reworded, StatementError::NotIncluded(0, ProofError::Root));
    let older = log.statement(5, None);
    let other_head = altered(&|statement| statement.checkpoint.clone_from(&older.checkpoint));
    assert_eq!(other_head, StatementError::OtherHead);
    let other_stamp = altered(&|statement| statement.stamp.clone_from(&older.stamp));
    assert_eq!(other_stamp, StatementError::OtherHead);
    let strange = statement
        .open(NAME, &[key(8).public()])
        .expect_err("another key");
    assert!(matches!(strange, StatementError::Stamp(_)), "{strange}");
    let other_name = statement.open("market.example/other/app", &keys);
    assert_eq!(other_name, Err(StatementError::OtherName(NAME.to_owned())));
}

#[test]
fn a_log_goes_on_from_what_was_seen() {
    let log = Log::new();
    let keys = [key(7).public()];
    let seen = log.statement(3, None).open(NAME, &keys).expect("it holds");
    let now = log.statement(6, Some(3));
    let opened = now.open(NAME, &keys).expect("it holds");
    assert_eq!(now.continues(&opened, (seen.size, &seen.root)), Ok(()));
    let unproven = log.statement(6, None);
    assert_eq!(
        unproven.continues(&opened, (seen.size, &seen.root)),
        Err(StatementError::Unproven(3))
    );
    let forked = now.continues(&opened, (3, &[1; 32]));
    assert_eq!(forked, Err(StatementError::Forked(ProofError::Root)));
    let back = log.statement(3, None);
    let shorter = back.continues(&seen, (opened.size, &opened.root));
    assert_eq!(shorter, Err(StatementError::Forked(ProofError::Size)));
}

#[test]
fn how_an_image_stood_on_a_day() {
    let log = Log::new();
    let entries: Vec<_> = log
        .entries
        .iter()
        .filter(|entry| entry.name == NAME)
        .cloned()
        .collect();
    let at = |image: &str, seconds: i64| {
        let at = DateTime::from_timestamp(seconds, 0).expect("a time");
        standing(&entries, &digest(image), Some(at))
    };
    assert_eq!(at("one", 99), None);
    assert_eq!(at("three", 900), None);
    let first = at("one", 299).expect("released");
    assert!(first.is_certified() && first.replaced_by.is_none());
    let held = at("one", 300).expect("released");
    assert_eq!((held.state, held.is_certified()), (State::OnHold, false));
    let replaced = at("one", 450).expect("released");
    assert_eq!(replaced.replaced_by, Some(digest("two")));
    let fix = at("two", 450).expect("released");
    assert_eq!(fix.state, State::OnHold, "a release lifts no hold");
    assert!(at("two", 500).expect("released").is_certified());
    assert_eq!(at("two", 600).expect("released").state, State::Revoked);
}

#[test]
fn what_was_withdrawn_under_one_tag_may_be_offered_under_another() {
    let withdrawn = |tag: &str| Event::TagWithdrawn {
        tag: tag.to_owned(),
    };
    let log = [
        released("1.0", "one"),
        released("latest", "one"),
        withdrawn("1.0"),
        withdrawn("latest"),
        released("latest", "two"),
    ];
    let entries: Vec<_> = (1..)
        .zip(log)
        .map(|(at, event)| entry(at, NAME, event))
        .collect();
    let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
    let state = |image, seconds| {
        let stands = standing(&entries, &digest(image), Some(at(seconds))).expect("released");
        (stands.state, stands.tag)
    };
    assert_eq!(state("one", 2), (State::Listed, "latest".to_owned()));
    assert_eq!(state("one", 3), (State::Listed, "latest".to_owned()));
    assert_eq!(state("one", 4).0, State::TagWithdrawn);
    assert_eq!(state("two", 5), (State::Listed, "latest".to_owned()));
    let names = |tag| named(&entries, tag);
    assert_eq!(
        named(&entries[..2], "1.0"),
        Some(Named::Image(&digest("one")))
    );
    assert_eq!(names("1.0"), Some(Named::Withdrawn(at(3))));
    assert_eq!(names("latest"), Some(Named::Image(&digest("two"))));
    assert_eq!(names("2.0"), None);
}

/// Two nodes whose clocks are apart wrote it: what one did last counts, whatever time it has.
#[test]
fn what_stands_now_goes_by_the_order_of_the_log() {
    let withdrawn = Event::TagWithdrawn {
        tag: "1.0".to_owned(),
    };
    let entries = [
        entry(100, NAME, released("1.0", "one")),
        entry(3_700, NAME, Event::Held),
        entry(3_600, NAME, released("1.1", "two")),
        entry(200, NAME, withdrawn),
    ];
    let at = |seconds| DateTime::from_timestamp(seconds, 0);
    let state = |at| standing(&entries, &digest("two"), at).map(|stands| stands.state);
    assert_eq!(state(None), Some(State::OnHold));
    assert_eq!(state(at(3_600)), Some(State::Listed));
    let withdrawn = named(&entries, "1.0");
    assert_eq!(withdrawn, at(200).map(Named::Withdrawn));
}

/// Whoever pinned a key that was replaced is led to the one that follows it, by nobody else's word
/// than that of the root key that the old one named.
#[test]
fn a_replaced_key_is_followed_as_its_root_key_says() {
    let log = Log::new();
    let (old, new, root) = (key(1), key(7), key(10));
    let at = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
    let appointed = |by: &SigningKey, root: &SigningKey| {
        succession::appoint(by, &root.public(), at).expect("signed")
    };
    let named = |by: &SigningKey, of: &SigningKey, next: Option<&SigningKey>| {
        let (of, next) = (of.public().key_id(), next.map(SigningKey::public));
        succession::decide(by, &of, next.as_ref(), at).expect("signed")
    };
    let with = |said: &[(String, String)]| {
        let mut statement = log.statement(6, None);
        statement.successions = said
            .iter()
            .map(|(appointment, decision)| Succession {
                appointment: appointment.clone(),
                decision: decision.clone(),
            })
            .collect();
        let bytes = serde_json::to_vec(&statement).expect("JSON");
        Statement::parse(&bytes).expect("what was written")
    };
    let open = |said: &[(String, String)]| {
        let opened = with(said).open(NAME, &[old.public()]);
        opened.map(|opened| opened.entries.len())
    };
    let unproven = |said: &[(String, String)]| {
        let error = open(said).expect_err("refused");
        assert!(matches!(
            error,
            StatementError::Succession(SuccessionError::Forged { .. })
        ));
    };
    let good = (appointed(&old, &root), named(&root, &old, Some(&new)));
    assert!(matches!(open(&[]), Err(StatementError::Stamp(_))));
    assert_eq!(open(std::slice::from_ref(&good)), Ok(5));
    assert_eq!(
        with(std::slice::from_ref(&good)).keys(&[old.public()]),
        Ok(vec![old.public(), new.public()])
    );
    // In two steps, the second with another root key, in any order.
    let (middle, other) = (key(2), key(11));
    let first = (appointed(&old, &root), named(&root, &old, Some(&middle)));
    let second = (
        appointed(&middle, &other),
        named(&other, &middle, Some(&new)),
    );
    assert_eq!(open(&[second.clone(), first.clone()]), Ok(5));
    // By a root key that was not named, of another key, and altered.
    unproven(&[(appointed(&old, &root), named(&other, &old, Some(&new)))]);
    unproven(&[(appointed(&old, &root), named(&root, &middle, Some(&new)))]);
    unproven(&[
        (good.1.clone(), good.1.clone()),
        (altered(&good.0), good.1.clone()),
    ]);
    unproven(&[(good.0.clone(), altered(&good.1))]);
    // Somebody who says so of themselves is nobody's successor.
    let own = (appointed(&new, &root), named(&root, &old, Some(&new)));
    assert!(matches!(open(&[own]), Err(StatementError::Stamp(_))));
    // Revoked keys are not followed, and not believed; another way to the same key is good.
    let revoked = (appointed(&old, &root), named(&root, &old, None));
    let none = Err(StatementError::Succession(SuccessionError::Revoked(
        old.public().key_id(),
    )));
    assert_eq!(open(std::slice::from_ref(&revoked)), none);
    assert_eq!(
        with(&[revoked]).keys(&[old.public(), new.public()]),
        Ok(vec![new.public()])
    );
    let end = (appointed(&middle, &other), named(&other, &middle, None));
    assert!(matches!(open(&[first, end]), Err(StatementError::Stamp(_))));
    // Round in a circle, and more than there can be.
    let back = (appointed(&new, &root), named(&root, &new, Some(&old)));
    assert_eq!(open(&[good.clone(), back]), Ok(5));
    let many = vec![good; MAX_SUCCESSIONS + 1];
    assert_eq!(
        open(&many),
        Err(StatementError::Succession(SuccessionError::TooMany))
    );
}

/// Changes a token's signature.
fn altered(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{signed}.{first}{}", &signature[1..])
}
