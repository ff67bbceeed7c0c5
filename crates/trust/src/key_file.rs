//! Files of private keys: which of the four forms a file has, and cosign's own form
//! (sigstore/cosign, `pkg/cosign/keys.go`): PKCS#8 inside a NaCl secretbox, the key for
//! which scrypt derives from a passphrase.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use p256::{SecretKey, ecdsa::SigningKey};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef,
    pkcs5::{EncryptionScheme, pbes2::Parameters},
};
use poly1305::{Poly1305, universal_hash::KeyInit as _};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{
    key::{KeyError, MAX_KEY_FILE_BYTES, from_pkcs8},
    pem,
};

const PRIVATE: &str =
    "`PRIVATE KEY`, `EC PRIVATE KEY`, `ENCRYPTED PRIVATE KEY` or `ENCRYPTED SIGSTORE PRIVATE KEY`";
const COSIGN: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// What cosign wrote before version 2.
const COSIGN_OLD: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const MAC_BYTES: usize = 16;
/// cosign's cost today; 2^15 is what older files have. Others are refused, as cosign does,
/// so that a file cannot ask for all the memory there is.
const LOG_N: u8 = 16;
const OLD_LOG_N: u8 = 15;
/// The most that a PKCS#8 file may ask of scrypt: 2^17 × 8 × 128 bytes are 128 MiB.
const MAX_SCRYPT_COST: u64 = 1 << 17;
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;
/// What a PKCS#8 file is made to ask of scrypt where people chose the words, as the logarithm of
/// the cost and how often: 16 MiB five times (OWASP, "Password Storage Cheat Sheet"), for OpenSSL
/// refuses what takes more than 32 MiB.
const WORDS_COST: (u8, u32) = (14, 5);
/// The same where the passphrase was made here: 4 MiB once.
const MADE_COST: (u8, u32) = (12, 1);
/// What passphrases begin with that were made here.
const MADE: &str = "plimsoll-";

/// Returns the label and the bytes of the PEM block in `text`.
pub(crate) fn block(text: &str) -> Result<(&str, Vec<u8>), KeyError> {
    if text.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyError::NotPem);
    }
    pem::decode(text).ok_or(KeyError::NotPem)
}

/// Returns the bytes of the SPKI `PUBLIC KEY` in `text`.
pub(crate) fn public(text: &str) -> Result<Vec<u8>, KeyError> {
    let (label, der) = block(text)?;
    match label {
        "PUBLIC KEY" => Ok(der),
        other => Err(KeyError::Label {
            found: other.to_owned(),
            expected: "`PUBLIC KEY`",
        }),
    }
}

/// Reads a private key in any of its forms.
pub(crate) fn read(text: &str, passphrase: Option<&str>) -> Result<SigningKey, KeyError> {
    let (label, der) = block(text)?;
    let passphrase = || passphrase.ok_or(KeyError::PassphraseNeeded);
    match label {
        "PRIVATE KEY" => from_pkcs8(&der),
        "EC PRIVATE KEY" => SecretKey::from_sec1_der(&der)
            .map(SigningKey::from)
            .map_err(|_| KeyError::Malformed("private key")),
        "ENCRYPTED PRIVATE KEY" => read_pbes2(&der, passphrase()?),
        COSIGN | COSIGN_OLD => from_pkcs8(&open(&der, passphrase()?)?),
        other => Err(KeyError::Label {
            found: other.to_owned(),
            expected: PRIVATE,
        }),
    }
}

/// Makes a passphrase of 256 random bits, in a form that says so.
///
/// # Errors
/// [`KeyError::Random`] when the operating system gives no randomness.
pub fn make_passphrase() -> Result<String, KeyError> {
    let bytes: [u8; 32] = random()?;
    Ok(format!("{MADE}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn is_made(passphrase: &str) -> bool {
    let bytes = passphrase.strip_prefix(MADE);
    let bytes = bytes.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    bytes.is_some_and(|bytes| bytes.len() == 32)
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

/// Encrypts a PKCS#8 document as PBES2 and returns the whole file.
pub(crate) fn encrypt(pkcs8: &[u8], passphrase: &str) -> Result<String, KeyError> {
    let (log_n, times) = match is_made(passphrase) {
        true => MADE_COST,
        false => WORDS_COST,
    };
    let salt: [u8; 16] = random()?;
    let iv = random()?;
    let cost = scrypt::Params::new(log_n, 8, times).expect("scrypt has these costs");
    let sealed = Parameters::generate_scrypt_aes256cbc(cost, &salt, iv)
        .map_err(pkcs8::Error::from)
        .and_then(|how| PrivateKeyInfoRef::try_from(pkcs8)?.encrypt_with_params(how, passphrase))
        .expect("a document that was just made can be encrypted");
    let text = sealed
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .expect("bytes always have a PEM form");
    Ok(text.to_string())
}

fn read_pbes2(der: &[u8], passphrase: &str) -> Result<SigningKey, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|_| KeyError::Malformed("encrypted private key"))?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(KeyError::Parameters("PBES1".to_owned()));
    };
    let within = match (parameters.kdf.scrypt(), parameters.kdf.pbkdf2()) {
        (Some(scrypt), _) => {
            // None at all is not looked for where it is used.
            (2..=MAX_SCRYPT_COST).contains(&scrypt.cost_parameter)
                && scrypt.block_size <= 8
                && scrypt.parallelization <= 5
        }
        (_, Some(pbkdf2)) => pbkdf2.iteration_count <= MAX_PBKDF2_ROUNDS,
        _ => false,
    };
    if !within {
        return Err(KeyError::Parameters(
            "the cost is beyond what is accepted here".to_owned(),
        ));
    }
    let der = info.decrypt(passphrase).map_err(|_| KeyError::Decrypt)?;
    from_pkcs8(der.as_bytes())
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Decrypts the body of cosign's file.
fn open(body: &[u8], passphrase: &str) -> Result<Vec<u8>, KeyError> {
    let malformed = KeyError::Malformed("cosign key file");
    let envelope: Envelope = serde_json::from_slice(body).map_err(|_| malformed.clone())?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| malformed.clone());
    if envelope.kdf.name != "scrypt" || envelope.cipher.name != "nacl/secretbox" {
        return Err(KeyError::Parameters(format!(
            "{} and {}",
            envelope.kdf.name, envelope.cipher.name
        )));
    }
    let cost = &envelope.kdf.params;
    let log_n = match (cost.n, cost.r, cost.p) {
        (65536, 8, 1) => LOG_N,
        (32768, 8, 1) => OLD_LOG_N,
        (n, r, p) => {
            return Err(KeyError::Parameters(format!("scrypt N={n} r={r} p={p}")));
        }
    };
    let nonce: [u8; 24] = decode(&envelope.cipher.nonce)?
        .try_into()
        .map_err(|_| malformed.clone())?;
    let key = derive(passphrase, &decode(&envelope.kdf.salt)?, log_n)?;
    unbox(&key, &nonce, &decode(&envelope.ciphertext)?).ok_or(KeyError::Decrypt)
}

/// Encrypts `plain` as cosign does and returns the whole file.
pub(crate) fn seal(plain: &[u8], passphrase: &str) -> Result<String, KeyError> {
    let salt: [u8; 32] = random()?;
    let nonce: [u8; 24] = random()?;
    let key = derive(passphrase, &salt, LOG_N)?;
    let envelope = Envelope {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Cost {
                n: 1 << LOG_N,
                r: 8,
                p: 1,
            },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher {
            name: "nacl/secretbox".to_owned(),
            nonce: STANDARD.encode(nonce),
        },
        ciphertext: STANDARD.encode(secretbox(&key, &nonce, plain)),
    };
    let body = serde_json::to_vec(&envelope).expect("text and numbers always serialise");
    Ok(pem::encode(COSIGN, &body))
}

fn derive(passphrase: &str, salt: &[u8], log_n: u8) -> Result<[u8; 32], KeyError> {
    let parameters =
        scrypt::Params::new(log_n, 8, 1).map_err(|e| KeyError::Parameters(e.to_string()))?;
    let mut key = [0; 32];
    scrypt::scrypt(passphrase.as_bytes(), salt, &parameters, &mut key)
        .expect("32 bytes is a length that scrypt can give");
    Ok(key)
}

/// NaCl `crypto_secretbox`: the first 32 bytes of the key stream are the authenticator's key,
/// the tag goes before the ciphertext.
fn secretbox(key: &[u8; 32], nonce: &[u8; 24], plain: &[u8]) -> Vec<u8> {
    let mut cipher = XSalsa20::new(&(*key).into(), &(*nonce).into());
    let mut mac_key = [0; 32];
    cipher.apply_keystream(&mut mac_key);
    let mut sealed = plain.to_vec();
    cipher.apply_keystream(&mut sealed);
    let tag = Poly1305::new(&mac_key.into()).compute_unpadded(&sealed);
    [tag.as_slice(), &sealed].concat()
}

fn unbox(key: &[u8; 32], nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
    let (tag, sealed) = sealed.split_at_checked(MAC_BYTES)?;
    let mut cipher = XSalsa20::new(&(*key).into(), &(*nonce).into());
    let mut mac_key = [0; 32];
    cipher.apply_keystream(&mut mac_key);
    let expected = Poly1305::new(&mac_key.into()).compute_unpadded(sealed);
    if !bool::from(expected.as_slice().ct_eq(tag)) {
        return None;
    }
    let mut plain = sealed.to_vec();
    cipher.apply_keystream(&mut plain);
    Some(plain)
}
