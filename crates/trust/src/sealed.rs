//! Bytes that only whoever has a key can read or change: AES-256-GCM (NIST SP 800-38D) with a
//! random nonce before the text.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

/// Seals bytes.
///
/// # Panics
/// The system has no random numbers.
pub fn seal(key: &[u8; 32], plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new()
        .fill(&mut nonce)
        .expect("the operating system gives random bytes");
    let mut text = plain.to_vec();
    cipher(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
        .expect("memory holds less than a text may have");
    [nonce.as_slice(), &text].concat()
}

/// Opens what was sealed; nothing where it was with another key, or changed since.
pub fn open(key: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = text.to_vec();
    let plain = cipher(key).open_in_place(nonce, Aad::empty(), &mut text);
    Some(plain.ok()?.to_vec())
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("it takes keys of 32 bytes");
    LessSafeKey::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens_and_nothing_is_changed_unseen() {
        let sealed = seal(&[1; 32], b"a secret");
        assert_eq!(open(&[1; 32], &sealed).as_deref(), Some(&b"a secret"[..]));
        assert_eq!(open(&[2; 32], &sealed), None);
        for place in 0..sealed.len() {
            let mut other = sealed.clone();
            other[place] ^= 1;
            assert_eq!(open(&[1; 32], &other), None, "byte {place}");
        }
        assert_eq!(open(&[1; 32], b"short"), None);
        assert_ne!(seal(&[1; 32], b"a secret"), sealed, "the nonce is another");
        assert_eq!(open(&[1; 32], &seal(&[1; 32], b"")), Some(Vec::new()));
    }
}
