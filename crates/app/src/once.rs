//! Requests done once: a client that does not know whether its request arrived sends it again
//! with the same key, and gets the first one's answer. The rule is the HTTP working group's
//! draft "The Idempotency-Key HTTP Header Field".

use chrono::TimeDelta;
use market::AccountId;
use sha2::{Digest as _, Sha256};

use crate::{Actor, App, AppError};

/// How long answers are kept.
const KEPT: TimeDelta = TimeDelta::days(1);

/// A request that is to be done once.
#[derive(Debug, Clone)]
pub struct OnceRequest {
    account: AccountId,
    key: String,
}

/// What is known of a request that is to be done once.
#[derive(Debug, Clone)]
pub enum Once {
    /// It is new: do it, and tell the answer.
    Begun(OnceRequest),
    /// It was done, and this was answered.
    Answered(Vec<u8>),
}

impl App {
    /// Begins a request that is to be done once. `request` is all of it that matters; `key` is
    /// the client's.
    ///
    /// # Errors
    /// Nobody is signed in, or the key was used for another request, or for one that has no
    /// answer yet.
    pub async fn begin_once(
        &self,
        actor: &Actor,
        key: &str,
        request: &[&[u8]],
    ) -> Result<Once, AppError> {
        let account = actor.require_account("for a request with a key")?;
        let token = actor.token().map(|token| token.id.as_str());
        let fingerprint = fingerprint(token.unwrap_or_default(), request);
        let now = self.now();
        let mut tx = self.begin().await?;
        store::once::forget_before(&mut tx, now - KEPT).await?;
        let place = (&account.id, key);
        if store::once::begin(&mut tx, place, &fingerprint, now).await? {
            tx.commit().await?;
            return Ok(Once::Begun(OnceRequest {
                account: account.id.clone(),
                key: key.to_owned(),
            }));
        }
        let known = store::once::find(&mut tx, &account.id, key).await?;
        let known = known.filter(|known| known.fingerprint == fingerprint);
        let Some(known) = known else {
            return Err(AppError::invalid(
                "Idempotency-Key",
                format!("the key {key} was used for another request: make a new one for each"),
            ));
        };
        let seal = self.once_seal(&account.id, key);
        let answer = known
            .answer
            .and_then(|sealed| trust::sealed::open(&seal, &sealed));
        answer.map(Once::Answered).ok_or_else(|| {
            AppError::Conflict(format!(
                "the request with the key {key} came at {} and has no answer yet: if none comes, look whether it was done before you send it with another key",
                known.begun_at.format("%Y-%m-%d %H:%M:%S UTC")
            ))
        })
    }

    /// Keeps what was answered; nothing where nothing was changed, so that the request can be
    /// sent again.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_once(
        &self,
        request: &OnceRequest,
        answer: Option<&[u8]>,
    ) -> Result<(), AppError> {
        let (account, key) = (&request.account, request.key.as_str());
        let mut tx = self.begin().await?;
        match answer {
            Some(answer) => {
                // Some answers have secrets in them, which are shown once and kept nowhere.
                let sealed = trust::sealed::seal(&self.once_seal(account, key), answer);
                store::once::answer(&mut tx, (account, key), &sealed).await?;
            }
            None => store::once::forget(&mut tx, account, key).await?,
        }
        Ok(tx.commit().await?)
    }

    fn once_seal(&self, account: &AccountId, key: &str) -> [u8; 32] {
        let salt = format!("once\n{account}\n{key}");
        self.keys.trust.derive_seed(salt.as_bytes())
    }
}

/// Every part with its length, so that no two requests look the same. Another token may be good
/// for less, and gets no answers that were for this one.
fn fingerprint(token: &str, request: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in [token.as_bytes()].iter().chain(request) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
