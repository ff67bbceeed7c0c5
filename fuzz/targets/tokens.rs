//! Access tokens: whatever is sent, only what was signed here is believed.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use trust::{SigningKey, jws};

/// A key, and a token signed with it.
fn ours() -> &'static (SigningKey, String) {
    static OURS: OnceLock<(SigningKey, String)> = OnceLock::new();
    OURS.get_or_init(|| {
        let key = SigningKey::generate().expect("the system has random bytes");
        let token = jws::sign(&key, &json!({ "sub": "ann" })).expect("claims are JSON");
        (key, token)
    })
}

fuzz_target!(|data: &[u8]| {
    let (key, token) = ours();
    let keys = [key.public()];
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(jws::verify::<Value>(text, &keys).is_err(), "nobody else signs");
    }
    // Our own token with a few bytes changed: place and new byte, in turn.
    let mut changed = token.clone().into_bytes();
    for pair in data.chunks_exact(2) {
        let place = usize::from(pair[0]) % changed.len();
        changed[place] = pair[1];
    }
    if let Ok(text) = std::str::from_utf8(&changed) {
        let believed = jws::verify::<Value>(text, &keys).is_ok();
        assert_eq!(believed, text == token, "{text}");
    }
});
