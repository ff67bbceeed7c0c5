//! What a verifier is given of a log: statements, checkpoints, keys, entries, paths of tiles.
//! Nothing of it is signed by whom it says, so nothing of it is ever taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust::{
    SigningKey,
    log::{Entry, LogKey, Page, Statement, Tile, Verifier, Witness},
};

fuzz_target!(|data: &[u8]| {
    let key = SigningKey::from_scalar(&[7; 32]).expect("a small number is a scalar");
    if let Ok(statement) = Statement::parse(data) {
        assert!(statement.open(&statement.name, &[key.public()]).is_err());
    }
    if let Some(entry) = Entry::parse(data) {
        assert_eq!(Entry::parse(&entry.to_bytes()), Some(entry));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(tile) = text.parse::<Tile>() {
        assert_eq!(tile.to_string(), text);
    }
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.to_string(), text);
    }
    if let Ok(page) = Page::parse(data) {
        assert!(!page.entries.is_empty());
    }
    if let Ok(witness) = text.parse::<Witness>() {
        assert_eq!(witness.to_string(), text);
    }
    let witness = "w.example+e25d5acc+BAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    let witness: Witness = witness.parse().expect("a key");
    assert_eq!(witness.cosigned(text), None);
    let log = LogKey::new("market.example/log", &[3; 32]);
    assert!(log.verifier().open(text).is_err());
    assert_eq!(witness.pick(&log.sign(5, &[9; 32]), text), None);
});
