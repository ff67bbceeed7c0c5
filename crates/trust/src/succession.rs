//! Who follows a release key that was replaced. While it is in use, the key says which root key
//! may name its successor; later that root key does, or says that nobody is to follow. So whoever
//! pinned the old key needs nothing else, and the old key need not be there any more.
//!
//! Whoever has the old key could appoint a root key of their own: to those who pinned it they
//! could as well show images that it signed, so they gain nothing by that.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{PublicKey, Signer, SigningKey, jws};

/// No statement carries more.
pub const MAX_SUCCESSIONS: usize = 100;

/// What a key and its root key said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// By the key: which root key may name its successor. A compact token.
    pub appointment: String,
    /// By that root key: who it is. A compact token.
    pub decision: String,
}

#[derive(Serialize, Deserialize)]
struct Appointment {
    /// Public key, PEM.
    root_key: String,
    iat: i64,
}

#[derive(Serialize, Deserialize)]
struct Decision {
    /// The name of the key that is followed.
    replaces: String,
    /// Public key, PEM; none where the key is not to be believed any more.
    successor: Option<String>,
    iat: i64,
}

/// Why a succession is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// It is not signed by whom it says.
    #[error("who follows the key {key} is not proven: {why}")]
    Forged {
        /// The key.
        key: String,
        /// What does not hold.
        why: String,
    },
    /// None of the keys is to be believed any more.
    #[error("the market revoked the key {0}: nothing that it signed is to be believed")]
    Revoked(String),
    /// There are more than anybody needs.
    #[error("there are more than {MAX_SUCCESSIONS} successions")]
    TooMany,
}

impl SuccessionError {
    fn forged(key: &str, why: &dyn fmt::Display) -> Self {
        Self::Forged {
            key: key.to_owned(),
            why: why.to_string(),
        }
    }
}

/// Has a release key say which root key may name its successor.
///
/// # Errors
/// The key does not sign.
pub fn appoint(
    key: &dyn Signer,
    root: &PublicKey,
    at: DateTime<Utc>,
) -> Result<String, jws::JwsError> {
    let root_key = root.to_pem();
    let iat = at.timestamp();
    jws::sign(key, &Appointment { root_key, iat })
}

/// Has a root key name the successor of a key, or say that there is none to be believed.
///
/// # Errors
/// The key does not sign.
pub fn decide(
    root: &SigningKey,
    replaces: &str,
    successor: Option<&PublicKey>,
    at: DateTime<Utc>,
) -> Result<String, jws::JwsError> {
    let decision = Decision {
        replaces: replaces.to_owned(),
        successor: successor.map(PublicKey::to_pem),
        iat: at.timestamp(),
    };
    jws::sign(root, &decision)
}

/// Returns the keys that are to be believed by whoever believes `pinned`: these, without those
/// that were revoked, and those that follow them.
///
/// # Errors
/// A succession of one of them is forged, or none is left.
pub fn follow(
    successions: &[Succession],
    pinned: &[PublicKey],
) -> Result<Vec<PublicKey>, SuccessionError> {
    if successions.len() > MAX_SUCCESSIONS {
        return Err(SuccessionError::TooMany);
    }
    let mut keys = pinned.to_vec();
    let mut revoked = Vec::new();
    let mut place = 0;
    while let Some(key) = keys.get(place).cloned() {
        place += 1;
        for succession in successions {
            match succession.of(&key)? {
                Said::Nothing => {}
                Said::Follows(next) if keys.contains(&next) => {}
                Said::Follows(next) => keys.push(next),
                Said::Revoked => revoked.push(key.clone()),
            }
        }
    }
    keys.retain(|key| !revoked.contains(key));
    match (keys.is_empty(), revoked.first()) {
        (true, Some(key)) => Err(SuccessionError::Revoked(key.key_id())),
        _ => Ok(keys),
    }
}

/// Reads what a root key said of a key that appointed it, whose appointment was checked before.
/// Gives who follows that key, if anybody is to be believed.
///
/// # Errors
/// It is not signed by the appointed key, or of another key.
pub fn read_decision(
    appointment: &str,
    decision: &str,
    replaces: &str,
) -> Result<Option<PublicKey>, SuccessionError> {
    let appointment: Appointment =
        jws::claims(appointment).map_err(|error| SuccessionError::forged(replaces, &error))?;
    decided(&appointment, decision, replaces)
}

fn decided(
    appointment: &Appointment,
    decision: &str,
    replaces: &str,
) -> Result<Option<PublicKey>, SuccessionError> {
    let forged = |why: &dyn fmt::Display| SuccessionError::forged(replaces, why);
    let read = |pem: &str| PublicKey::from_pem(pem).map_err(|error| forged(&error));
    let root = read(&appointment.root_key)?;
    let decision: Decision = jws::verify(decision, &[root]).map_err(|error| forged(&error))?;
    if decision.replaces != replaces {
        return Err(forged(&"it is of another key"));
    }
    decision.successor.as_deref().map(read).transpose()
}

enum Said {
    Nothing,
    Follows(PublicKey),
    Revoked,
}

impl Succession {
    /// Returns what is said of a key, where this is of that key.
    fn of(&self, key: &PublicKey) -> Result<Said, SuccessionError> {
        let keys = std::slice::from_ref(key);
        let appointment: Appointment = match jws::verify(&self.appointment, keys) {
            Ok(appointment) => appointment,
            Err(jws::JwsError::UnknownKey(_)) => return Ok(Said::Nothing),
            Err(error) => return Err(SuccessionError::forged(&key.key_id(), &error)),
        };
        Ok(
            match decided(&appointment, &self.decision, &key.key_id())? {
                Some(next) => Said::Follows(next),
                None => Said::Revoked,
            },
        )
    }
}
