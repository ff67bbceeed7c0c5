//! Who is said to follow a key: as anybody may send it, and as the keys themselves might sign it.
//! Nobody follows the key that is pinned but whom its root key names for that key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use trust::{
    SigningKey, jws,
    succession::{Succession, follow},
};

fuzz_target!(|data: &[u8]| {
    let key = |number: u8| SigningKey::from_scalar(&[number; 32]).expect("a scalar");
    let (key, root) = (key(7), key(8));
    let pinned = [key.public()];
    if let Ok(successions) = serde_json::from_slice::<Vec<Succession>>(data)
        && let Ok(keys) = follow(&successions, &pinned)
    {
        assert_eq!(keys, pinned, "the key said nothing");
    }
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (appointment, decision) = data.split_at(at);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut sent = Succession {
        appointment: text(appointment),
        decision: text(decision.get(1..).unwrap_or_default()),
    };
    if let Ok(keys) = follow(std::slice::from_ref(&sent), &pinned) {
        assert_eq!(keys, pinned, "the key said nothing");
    }
    // Signed as it is, so that what is in it is read.
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (appointed, decided) = (read(&sent.appointment), read(&sent.decision));
    if let Some(mut claims) = appointed {
        if claims["root_key"] == "root" {
            claims["root_key"] = root.public().to_pem().into();
        }
        let Ok(token) = jws::sign(&key, &claims) else { return };
        sent.appointment = token;
    }
    if let Some(mut claims) = decided.clone() {
        if claims["replaces"] == "key" {
            claims["replaces"] = pinned[0].key_id().into();
        }
        if claims["successor"] == "root" {
            claims["successor"] = root.public().to_pem().into();
        }
        let Ok(token) = jws::sign(&root, &claims) else { return };
        sent.decision = token;
    }
    if let Ok(keys) = follow(&[sent.clone(), sent], &pinned) {
        assert_eq!(keys[0], pinned[0]);
        if keys.len() > 1 {
            let replaces = decided.expect("somebody decided")["replaces"].clone();
            assert!(replaces == "key" || replaces == pinned[0].key_id().as_str());
        }
    }
});
