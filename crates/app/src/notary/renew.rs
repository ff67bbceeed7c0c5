//! Timestamps and snapshots that the server signs, signed anew before they end.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use oci::Gun;
use store::{
    Tx,
    notary::{self as rows, TrustFile},
};
use trust::tuf::{self, Role};

use super::{TrustError, on_another_thread, publish::Verified};
use crate::{App, AppError};

/// Timestamps have two weeks; a week before their end they are signed anew.
const TIMESTAMPS: TimeDelta = TimeDelta::days(7);
/// Snapshots have three years.
const SNAPSHOTS: TimeDelta = TimeDelta::days(90);
/// What a client asks for and has less than this left is signed anew at once: the work above
/// did not get to it.
pub(super) const ON_READ: TimeDelta = TimeDelta::days(1);

impl App {
    /// Signs anew what ends soon, in all repositories; gives in how many. One that cannot be
    /// done is logged and does not keep the others waiting.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn renew_trust(&self) -> Result<usize, AppError> {
        let mut renewed = 0;
        let mut last = String::new();
        loop {
            let ends = (self.now() + TIMESTAMPS, self.now() + SNAPSHOTS);
            let guns = rows::ending(&mut self.read().await?, ends, &last).await?;
            let Some(end) = guns.last() else {
                return Ok(renewed);
            };
            last.clone_from(end);
            for name in guns {
                let Ok(gun) = name.parse() else { continue };
                match self.renew_files(&gun, (TIMESTAMPS, SNAPSHOTS)).await {
                    Ok(any) => renewed += usize::from(any),
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(gun = name, error, "trust metadata cannot be signed anew");
                    }
                }
            }
        }
    }

    /// Returns the newest timestamp or snapshot, signed anew where that can be done; else
    /// `there`, whose end clients see for themselves.
    pub(super) async fn renewed(
        &self,
        gun: &Gun,
        role: &Role,
        there: Option<TrustFile>,
    ) -> Result<Option<TrustFile>, AppError> {
        match self.renew_files(gun, (ON_READ, ON_READ)).await {
            Ok(false) => return Ok(there),
            Ok(true) => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(%gun, error, "trust metadata cannot be signed anew");
                return Ok(there);
            }
        }
        let mut tx = self.read().await?;
        Ok(rows::newest_file(&mut tx, gun.as_str(), role.as_str()).await?)
    }

    /// Signs anew what ends within these times, where the market holds the key. Whether there is
    /// anything of that kind is looked at first without keeping others from writing: what a
    /// publisher signs is asked for as often when it ends soon.
    async fn renew_files(
        &self,
        gun: &Gun,
        within: (TimeDelta, TimeDelta),
    ) -> Result<bool, TrustError> {
        let mut tx = self.read().await?;
        if self.files_anew(&mut tx, gun, within).await?.is_empty() {
            return Ok(false);
        }
        drop(tx);
        let mut tx = self.begin().await?;
        rows::lock(&mut tx).await?;
        let files = self.files_anew(&mut tx, gun, within).await?;
        if files.is_empty() {
            return Ok(false);
        }
        self.store_trust(&mut tx, gun, &files).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn files_anew(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        (timestamps, snapshots): (TimeDelta, TimeDelta),
    ) -> Result<Vec<Verified>, TrustError> {
        let roles = BTreeSet::from([Role::Root, Role::Snapshot, Role::Timestamp]);
        let current = self.current_trust(tx, gun, &roles).await?;
        let signers = self.signers(tx, gun).await?;
        let now = self.now();
        let ends = (now + timestamps, now + snapshots);
        let files = on_another_thread(move || {
            let files = tuf::renew(&current, &signers, ends, now)?;
            Ok(files.into_iter().map(Verified::of).collect())
        });
        files.await?
    }
}
