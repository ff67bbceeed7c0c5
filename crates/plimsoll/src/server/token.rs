//! The key for releases in a PKCS#11 token: a hardware module, a card, or SoftHSM. It never
//! leaves the token, nor does the secret beside it that other keys are derived from (HMAC-SHA256).
//!
//! One session does everything. Where it ends (a token was pulled, a module restarted), another
//! is opened on the next occasion; a PIN that was refused once is never given again by this process.

use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use sha2::{Digest as _, Sha256};
use trust::{PublicKey, SignError, Signer, SigningKey};

/// The curve P-256, as PKCS#11 wants it named: an object identifier in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// An uncompressed point of that curve in an OCTET STRING begins so; some modules leave it out.
const POINT: [u8; 2] = [0x04, 0x41];
const POINT_BYTES: usize = 65;
const SECRET_BYTES: u64 = 32;
/// A token that could not be reached is not asked again so soon: many may wait for it.
const AWAY_FOR: Duration = Duration::from_secs(1);

/// Where the key is.
pub(crate) struct Place {
    /// The module's library.
    pub(crate) module: PathBuf,
    /// The token's label or serial number.
    pub(crate) token: String,
    /// The label of the key pair, and of the secret beside it.
    pub(crate) key: String,
    /// What opens the token.
    pub(crate) pin: AuthPin,
}

/// The key for releases in a token.
pub(crate) struct Token {
    place: Place,
    public: PublicKey,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    /// Why it is of no use to try again.
    refused: Option<SignError>,
    /// When it could not be reached last, and why.
    away: Option<(Instant, SignError)>,
}

/// A session, and what was found in the token.
struct Open {
    session: Session,
    key: ObjectHandle,
    secret: ObjectHandle,
    module: Pkcs11,
}

impl Token {
    /// Takes a key whose public half is known; the token is asked when it is needed.
    pub(crate) fn new(place: Place, public: PublicKey) -> Self {
        let state = Mutex::default();
        Self {
            place,
            public,
            state,
        }
    }

    /// Has the session do something; where it ended, one more is tried.
    fn with<T>(&self, work: impl Fn(&Open) -> Result<T, Error>) -> Result<T, SignError> {
        let mut state = self.state();
        if let Some(refused) = &state.refused {
            return Err(refused.clone());
        }
        if let Some((at, away)) = &state.away
            && at.elapsed() < AWAY_FOR
        {
            return Err(away.clone());
        }
        if let Some(open) = state.open.take() {
            match work(&open) {
                Ok(done) => {
                    state.open = Some(open);
                    return Ok(done);
                }
                Err(error) => {
                    let (place, error) = (&self.place, words(&error));
                    tracing::warn!(
                        token = place.token,
                        error,
                        "the session with the token ended"
                    );
                    open.close();
                }
            }
        }
        let done = self.in_another(&mut state, work);
        if let Err(away @ SignError::Away(_)) = &done {
            state.away = Some((Instant::now(), away.clone()));
        }
        done
    }

    /// Has another session do something, and keeps it.
    fn in_another<T>(
        &self,
        state: &mut State,
        work: impl Fn(&Open) -> Result<T, Error>,
    ) -> Result<T, SignError> {
        let open = Open::new(&self.place, &self.public);
        if let Err(refused @ SignError::Refused(_)) = &open {
            state.refused = Some(refused.clone());
        }
        let open = open?;
        tracing::info!(token = self.place.token, "a session with the token is open");
        match work(&open) {
            Ok(done) => {
                state.open = Some(open);
                Ok(done)
            }
            Err(error) => {
                open.close();
                Err(self.place.away(&words(&error)))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.state.lock();
        state.expect("nobody panics while holding the session")
    }
}

impl Signer for Token {
    fn public(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign_raw(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let digest = Sha256::digest(message);
        let signature =
            self.with(|open| open.session.sign(&Mechanism::Ecdsa, open.key, &digest))?;
        // A device that errs, or has another key under this label, is found out here.
        match <[u8; 64]>::try_from(signature) {
            Ok(signature) if self.public.verify_raw(message, &signature) => Ok(signature),
            _ => Err(self.place.away("its signature does not fit the public key")),
        }
    }

    fn derive(&self, salt: &[u8]) -> Result<SigningKey, SignError> {
        for attempt in 0..=u8::MAX {
            let label = [b"plimsoll derived key ", [attempt].as_slice(), salt].concat();
            let hash = self.with(|open| {
                let session = &open.session;
                session.sign(&Mechanism::Sha256Hmac, open.secret, &label)
            })?;
            let scalar = hash.try_into().ok();
            // One number in 2^32 is beyond the curve's order.
            if let Some(Ok(key)) = scalar.map(|scalar| SigningKey::from_scalar(&scalar)) {
                return Ok(key);
            }
        }
        Err(self.place.away("what it derives is no key"))
    }

    fn check(&self) -> Result<(), SignError> {
        self.with(|open| open.session.get_session_info()).map(drop)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { token, key, .. } = &self.place;
        write!(f, "Token({token}, {key}, {})", self.public.key_id())
    }
}

/// Returns the public half of the key in the token. What is missing there, key or secret, is
/// made, which `made` is told of.
///
/// # Errors
/// The token cannot be used.
pub(crate) fn find_or_make(place: &Place, made: &mut bool) -> Result<PublicKey, SignError> {
    place.in_session(|module, slot| {
        let session = module.open_rw_session(slot);
        let session = session.map_err(|error| place.away(&words(&error)))?;
        place.log_in(&session)?;
        let away = |error: Error| place.away(&words(&error));
        let is_there = |class| session.find_objects(&place.named(class));
        if is_there(ObjectClass::PRIVATE_KEY).map_err(away)?.is_empty() {
            make_key(&session, place).map_err(away)?;
            *made = true;
        }
        if is_there(ObjectClass::SECRET_KEY).map_err(away)?.is_empty() {
            make_secret(&session, place).map_err(away)?;
            *made = true;
        }
        place.public(&session)?.ok_or_else(|| {
            place.refused("it has the key, but not its public half: put that beside it")
        })
    })
}

fn make_key(session: &Session, place: &Place) -> Result<(), Error> {
    let label = Attribute::Label(place.key.clone().into_bytes());
    let id = Attribute::Id(Sha256::digest(&place.key)[..8].to_vec());
    let public = [
        Attribute::Token(true),
        Attribute::Verify(true),
        Attribute::EcParams(P256.to_vec()),
        label.clone(),
        id.clone(),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        label,
        id,
    ];
    let made = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private);
    made.map(drop)
}

fn make_secret(session: &Session, place: &Place) -> Result<(), Error> {
    let secret = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(SECRET_BYTES.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Label(place.key.clone().into_bytes()),
    ];
    let made = session.generate_key(&Mechanism::GenericSecretKeyGen, &secret);
    made.map(drop)
}

impl Open {
    fn new(place: &Place, public: &PublicKey) -> Result<Self, SignError> {
        place.in_session(|module, slot| {
            let session = module.open_ro_session(slot);
            let session = session.map_err(|error| place.away(&words(&error)))?;
            place.log_in(&session)?;
            let key = place.only(&session, ObjectClass::PRIVATE_KEY)?;
            let secret = place.only(&session, ObjectClass::SECRET_KEY)?;
            if place
                .public(&session)?
                .is_some_and(|found| found != *public)
            {
                return Err(place.refused("its key is not the one of `release.pub`"));
            }
            Ok(Self {
                session,
                key,
                secret,
                module: module.clone(),
            })
        })
    }

    /// Ends the session and what the module knows of the token, which it may know wrong.
    fn close(self) {
        drop(self.session);
        end(self.module);
    }
}

impl Place {
    /// Has something done with the token; where it fails, the module is ended.
    fn in_session<T>(
        &self,
        work: impl FnOnce(&Pkcs11, Slot) -> Result<T, SignError>,
    ) -> Result<T, SignError> {
        let module = Pkcs11::new(&self.module).map_err(|error| {
            let module = self.module.display();
            self.away(&format!("its module `{module}` cannot be loaded: {error}"))
        })?;
        let threads = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match module.initialize(threads) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(self.away(&words(&error))),
        }
        let done = self.slot(&module).and_then(|slot| work(&module, slot));
        if done.is_err() {
            end(module);
        }
        done
    }

    fn slot(&self, module: &Pkcs11) -> Result<Slot, SignError> {
        let away = |error: Error| self.away(&words(&error));
        for slot in module.get_slots_with_token().map_err(away)? {
            let Ok(about) = module.get_token_info(slot) else {
                continue;
            };
            if about.label() != self.token && about.serial_number() != self.token {
                continue;
            }
            return match (about.user_pin_locked(), about.user_pin_final_try()) {
                (true, _) => Err(self.refused("its PIN is locked: unlock it as the token's officer")),
                // Whoever restarts a server again and again must not lock it.
                (_, true) => Err(self.refused(
                    "one more wrong PIN locks it: mend `keys.token.pin_file`, and log in once with another tool, such as pkcs11-tool",
                )),
                _ => Ok(slot),
            };
        }
        Err(self.away("it is not there"))
    }

    fn log_in(&self, session: &Session) -> Result<(), SignError> {
        match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinLocked | RvError::PinExpired, _)) => {
                Err(self.refused("its PIN is locked or has ended: set another as the token's officer"))
            }
            Err(error) if is_gone(&error) => Err(self.away(&words(&error))),
            // Modules say in many ways that a PIN is wrong: in doubt it is not given again.
            Err(error) => Err(self.refused(&format!(
                "its PIN is another one, or cannot be checked ({}); it is not tried again before the next start: mend `keys.token.pin_file`",
                words(&error)
            ))),
        }
    }

    fn named(&self, class: ObjectClass) -> [Attribute; 2] {
        let label = self.key.clone().into_bytes();
        [Attribute::Class(class), Attribute::Label(label)]
    }

    fn only(&self, session: &Session, class: ObjectClass) -> Result<ObjectHandle, SignError> {
        let found = session.find_objects(&self.named(class));
        let found = found.map_err(|error| self.away(&words(&error)))?;
        let (key, what) = (&self.key, kind(class));
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(self.away(&format!(
                "it has no {what} `{key}`: restore it from the token's backup"
            ))),
            _ => Err(self.away(&format!("it has several {what}s `{key}`: leave one"))),
        }
    }

    /// Returns the public half of the key, where the token shows it.
    fn public(&self, session: &Session) -> Result<Option<PublicKey>, SignError> {
        let away = |error: Error| self.away(&words(&error));
        let found = session.find_objects(&self.named(ObjectClass::PUBLIC_KEY));
        let Some(found) = found.map_err(away)?.first().copied() else {
            return Ok(None);
        };
        let point = session.get_attributes(found, &[AttributeType::EcPoint]);
        let Some(Attribute::EcPoint(point)) = point.map_err(away)?.pop() else {
            return Ok(None);
        };
        let bare = point.strip_prefix(&POINT);
        let point = bare
            .filter(|bare| bare.len() == POINT_BYTES)
            .unwrap_or(&point);
        PublicKey::from_point(point)
            .map(Some)
            .map_err(|error| self.refused(&format!("its key `{}`: {error}", self.key)))
    }

    fn away(&self, why: &str) -> SignError {
        SignError::Away(format!("token `{}`: {why}", self.token))
    }

    fn refused(&self, why: &str) -> SignError {
        SignError::Refused(format!("token `{}`: {why}", self.token))
    }
}

fn kind(class: ObjectClass) -> &'static str {
    match class {
        ObjectClass::SECRET_KEY => "secret",
        _ => "private key",
    }
}

/// Tells whether a token went away before it looked at anything.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::Pkcs11(answer, _) => matches!(
            answer,
            RvError::DeviceError
                | RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::SessionClosed
                | RvError::SessionHandleInvalid
        ),
        _ => true,
    }
}

fn end(module: Pkcs11) {
    if let Err(error) = module.finalize() {
        tracing::debug!(error = words(&error), "a token's module did not end");
    }
}

/// Says what a module answered: its library's own words fill paragraphs.
fn words(error: &Error) -> String {
    match error {
        Error::Pkcs11(answer, function) => format!("{function:?} answered {answer:?}"),
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread::sleep};

    use super::*;

    #[test]
    fn a_token_that_is_away_is_not_asked_again_at_once() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let module = dir.path().join("module.so");
        let place = Place {
            module: module.clone(),
            token: "market".to_owned(),
            key: "release".to_owned(),
            pin: "1234".to_owned().into(),
        };
        let key = SigningKey::from_scalar(&[7; 32]).expect("a key");
        let token = Token::new(place, key.public());
        let first = token.check().expect_err("there is no module");
        fs::write(&module, "no library").expect("a file");
        assert_eq!(token.check(), Err(first.clone()));
        sleep(AWAY_FOR);
        assert_ne!(token.check(), Err(first), "it is looked for again");
    }
}
