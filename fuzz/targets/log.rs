//! What a verifier is given of a log: statements, checkpoints, keys, entries, paths of tiles.
//! Nothing of it is signed by whom it says, so nothing of it is ever taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trust::{
    SigningKey,
    log::{Entry, LogKey, Statement, Tile, Verifier},
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
    let log = LogKey::new("market.example/log", &[3; 32]);
    assert!(log.verifier().open(text).is_err());
});
