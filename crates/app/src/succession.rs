//! Who follows a release key that was replaced, for those who know the old one only.

use std::collections::BTreeSet;

use market::Action;
use store::{Tx, release_keys as rows};
use trust::{PublicKey, succession, tuf::SuccessionToSign};

use crate::{Actor, App, AppError, audit::Change, log::unsigned};

impl App {
    /// Has the release key say, once, which root key may name its successor: when it is replaced,
    /// it may be lost.
    ///
    /// # Errors
    /// The key did not sign, or the database refused.
    pub async fn appoint_root(&self) -> Result<(), AppError> {
        let (key_id, root) = (self.release_key().key_id(), self.keys.root_public.clone());
        let root_id = root.key_id();
        let found = rows::list(&mut self.read().await?).await?;
        if found
            .iter()
            .any(|row| row.key_id == key_id && row.root_id == root_id)
        {
            return Ok(());
        }
        let now = self.now();
        let sign = move |key: &dyn trust::Signer| succession::appoint(key, &root, now);
        let appointment = self.with_release_key(sign).await?.map_err(unsigned)?;
        let mut tx = self.begin().await?;
        rows::appoint(&mut tx, &key_id, &root_id, &appointment).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Has the root key name the release key there is now as the successor of each there was, but
    /// of those that were revoked, and revoke those named in `seen`. Does nothing twice. Where
    /// keys are for different root keys to say, each does its part while it is here; what one of
    /// them said before stays good as long as it leads on. Gives what is left for a root key that
    /// is not here.
    ///
    /// # Errors
    /// There is no such key, or the database refused.
    pub async fn name_successors(
        &self,
        seen: &BTreeSet<String>,
    ) -> Result<Option<AppError>, AppError> {
        self.appoint_root().await?;
        let mut tx = self.begin().await?;
        let here = self.keys.root.as_ref();
        let here = here.map(|root| root.public().key_id());
        let mut left = None;
        for open in self.undecided(&mut tx, seen).await? {
            if here.as_ref() == Some(&open.row.root_id) {
                self.decide_on_key(&mut tx, &open).await?;
            } else if !open.is_led_on {
                left = Some(open.row);
            }
        }
        tx.commit().await?;
        Ok(left.map(|row| {
            AppError::Conflict(format!(
                "who follows the release key {} is for the root key {} to say: put `keys/root.key` back, the one of its time, and start again; or sign it where that key is (`plimsoll keys export-roots`)",
                row.key_id, row.root_id
            ))
        }))
    }

    /// Returns what is to be said of the keys that were replaced.
    async fn undecided(
        &self,
        tx: &mut Tx,
        seen: &BTreeSet<String>,
    ) -> Result<Vec<Undecided>, AppError> {
        let current = self.release_key();
        let found = rows::list(tx).await?;
        let is_known =
            |key: &String| *key != current.key_id() && found.iter().any(|row| row.key_id == *key);
        if let Some(key) = seen.iter().find(|key| !is_known(key)) {
            return Err(AppError::Conflict(format!(
                "`{key}` is no release key that was replaced, or one from before keys said who may name their successor"
            )));
        }
        let is_good = |key: &String| {
            let revoked = |row: &rows::ReleaseKey| row.key_id == *key && is_revoked(row);
            !seen.contains(key) && !found.iter().any(revoked)
        };
        let mut open = Vec::new();
        for row in found.iter().filter(|row| row.key_id != current.key_id()) {
            let successor = (!seen.contains(&row.key_id)).then_some(&current);
            let wanted = successor.map(PublicKey::key_id);
            if is_revoked(row) || row.decision.is_some() && row.successor_id == wanted {
                continue;
            }
            open.push(Undecided {
                is_led_on: successor.is_some() && row.successor_id.as_ref().is_some_and(is_good),
                successor: successor.cloned(),
                row: row.clone(),
            });
        }
        Ok(open)
    }

    /// Returns what a root key that is elsewhere is to say of the keys that were replaced.
    pub(crate) async fn successions_to_sign(
        &self,
        seen: &BTreeSet<String>,
    ) -> Result<Vec<SuccessionToSign>, AppError> {
        self.appoint_root().await?;
        let root = self.keys.root_public.key_id();
        let mut open = self.undecided(&mut self.read().await?, seen).await?;
        open.retain(|open| !open.is_led_on || open.row.root_id == root);
        let wanted = open.into_iter().map(|open| SuccessionToSign {
            replaces: open.row.key_id,
            root_key: open.row.root_id,
            appointment: open.row.appointment,
            successor: open.successor.as_ref().map(PublicKey::to_pem),
            decision: None,
        });
        Ok(wanted.take(succession::MAX_SUCCESSIONS).collect())
    }

    /// Takes what root keys said elsewhere; gives of how many keys that was new. Only a key that
    /// is among those `seen` is revoked.
    pub(crate) async fn take_successions(
        &self,
        signed: &[SuccessionToSign],
        seen: &BTreeSet<String>,
    ) -> Result<usize, AppError> {
        let current = self.release_key();
        let mut tx = self.begin().await?;
        let found = rows::list(&mut tx).await?;
        let mut taken = 0;
        for signed in signed {
            let row = found.iter().find(|row| row.key_id == signed.replaces);
            let (Some(row), Some(decision)) = (row, &signed.decision) else {
                continue;
            };
            let key = &row.key_id;
            // A file from when it was out of use must not end what it signs now.
            if *key == current.key_id() {
                return Err(AppError::Conflict(format!(
                    "the file says who follows the release key {key}, which is in use: export again"
                )));
            }
            if is_revoked(row) || row.decision.as_ref() == Some(decision) {
                continue;
            }
            let named = succession::read_decision(&row.appointment, decision, key);
            let named = named.map_err(|error| AppError::Conflict(error.to_string()))?;
            if named.as_ref().map(PublicKey::to_pem) != signed.successor {
                return Err(AppError::Conflict(format!(
                    "what is signed of the release key {key} is not what the file says of it: sign it again"
                )));
            }
            if named.as_ref().is_some_and(|named| *named != current) {
                return Err(AppError::Conflict(format!(
                    "the successor of the release key {key} is not the release key there is now: export again"
                )));
            }
            if named.is_none() && !seen.contains(key) {
                return Err(AppError::Conflict(format!(
                    "the file revokes the release key {key}, which cannot be taken back: say so with `--revoke {key}`, or export again without"
                )));
            }
            self.keep_decision(&mut tx, (row, decision), named.as_ref())
                .await?;
            taken += 1;
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn decide_on_key(&self, tx: &mut Tx, open: &Undecided) -> Result<(), AppError> {
        let root = self.keys.root.as_ref();
        let root = root.ok_or(AppError::internal("the root key is not here"))?;
        let (row, successor) = (&open.row, open.successor.as_ref());
        let decision = succession::decide(root, &row.key_id, successor, self.now());
        let decision = decision.map_err(unsigned)?;
        self.keep_decision(tx, (row, &decision), successor).await
    }

    async fn keep_decision(
        &self,
        tx: &mut Tx,
        (row, decision): (&rows::ReleaseKey, &str),
        successor: Option<&PublicKey>,
    ) -> Result<(), AppError> {
        let named = successor.map(PublicKey::key_id);
        rows::decide(tx, &row.key_id, decision, named.as_deref()).await?;
        let change = Change {
            subject: &row.key_id,
            after: Some(named.as_deref().unwrap_or("revoked")),
            ..Change::default()
        };
        self.record(tx, &Actor::system(), Action::ManageListing, change)
            .await
    }
}

/// A key that was replaced, of which something is to be said.
struct Undecided {
    row: rows::ReleaseKey,
    /// Who is to follow it; none where it is to be revoked.
    successor: Option<PublicKey>,
    /// Whether what was said before leads on all the same.
    is_led_on: bool,
}

/// Returns whether nothing that a key signed is to be believed.
fn is_revoked(row: &rows::ReleaseKey) -> bool {
    row.decision.is_some() && row.successor_id.is_none()
}

/// Returns what was said of the keys that were replaced.
pub(crate) async fn successions(tx: &mut Tx) -> Result<Vec<succession::Succession>, AppError> {
    let said = rows::list(tx).await?.into_iter().filter_map(|row| {
        Some(succession::Succession {
            appointment: row.appointment,
            decision: row.decision?,
        })
    });
    Ok(said.take(succession::MAX_SUCCESSIONS).collect())
}
