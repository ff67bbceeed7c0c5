//! Files of keys, private and public: the first byte says which of the forms, the rest is what
//! stands in the PEM; and the whole as text. What is read is written, and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pkcs8::EncryptedPrivateKeyInfoRef;
use trust::{KeyError, PublicKey, SigningKey, certificate_pem, cosign};

const LABELS: [&str; 6] = [
    "PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "ENCRYPTED SIGSTORE PRIVATE KEY",
    "ENCRYPTED COSIGN PRIVATE KEY",
    "PUBLIC KEY",
];

/// What asks for more work than this is left out, or nothing else would be tried: how much may be
/// asked for is tested elsewhere.
fn is_cheap(der: &[u8]) -> bool {
    let Ok(info) = EncryptedPrivateKeyInfoRef::try_from(der) else { return true };
    let Some(how) = info.encryption_algorithm.pbes2() else { return true };
    match (how.kdf.scrypt(), how.kdf.pbkdf2()) {
        (Some(scrypt), _) => {
            scrypt.cost_parameter <= 64 && scrypt.block_size <= 8 && scrypt.parallelization <= 2
        }
        (_, Some(pbkdf2)) => pbkdf2.iteration_count <= 64,
        _ => true,
    }
}

fn read(text: &str) {
    let bare = SigningKey::from_pem(text, None);
    if let Ok(key) = &bare {
        let again = SigningKey::from_pem(&key.to_pem(), None).expect("what is written is read");
        assert_eq!(again.public(), key.public());
    }
    if matches!(bare, Err(KeyError::PassphraseNeeded)) {
        let _opened = SigningKey::from_pem(text, Some("word"));
    }
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem()).as_ref(), Ok(&key));
    }
    if let Ok(key) = cosign::Key::from_pem(text) {
        assert_eq!(cosign::Key::from_pem(&key.to_pem()).as_ref(), Ok(&key));
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, der)) = data.split_first() else { return };
    let label = LABELS[usize::from(*first) % LABELS.len()];
    if is_cheap(der) {
        read(&certificate_pem(der).replace("CERTIFICATE", label));
    }
    // An encrypted one in PEM is not looked into here, and may ask for much.
    match std::str::from_utf8(data) {
        Ok(text) if !text.contains("ENCRYPTED PRIVATE KEY") => read(text),
        _ => {}
    }
});
