//! Trust metadata as a publisher may send it: several files, each after a line with its role.
//! Nothing of it is signed by whom it says, so nothing of it is ever taken.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use trust::{
    SigningKey,
    tuf::{Current, File, Role, Signer, publish},
};

fuzz_target!(|data: &[u8]| {
    let key = SigningKey::from_scalar(&[7; 32]).expect("a small number is a scalar");
    let mut uploads = BTreeMap::new();
    for part in data.split(|byte| *byte == 0).take(4) {
        let at = part.iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let (role, bytes) = part.split_at(at);
        let role = std::str::from_utf8(role).unwrap_or_default().parse::<Role>();
        let (Ok(role), Ok(file)) = (role, File::parse(bytes.to_vec())) else {
            continue;
        };
        assert_eq!(file.bytes, bytes, "the bytes are kept as they came");
        let _what = (file.root(), file.targets(&role), file.snapshot(), file.timestamp());
        uploads.insert(role, file);
    }
    let now = Default::default();
    let taken = publish("h/a/b", &Current::default(), uploads, &[Signer::new(key)], now);
    assert!(taken.is_err(), "the timestamp's key is named by no root that is signed");
});
