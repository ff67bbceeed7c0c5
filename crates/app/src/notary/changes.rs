//! The list of changes, for those who follow a repository or, as operator, all.

use market::Action;
use oci::Gun;
use store::notary::{self as rows, TrustChange};

use crate::{Access, App, AppError};

/// Changes in one answer.
const MOST: i64 = 1_000;

impl App {
    /// Returns changes of one repository, or of all for the operator: `records` after number
    /// `from`, or, where either is negative, the last ones before it.
    ///
    /// # Errors
    /// All were asked for by somebody else than the operator.
    pub async fn trust_changes(
        &self,
        access: &Access,
        gun: Option<&Gun>,
        (from, records): (i64, i64),
    ) -> Result<Vec<TrustChange>, AppError> {
        if gun.is_none() {
            let actor = self.token_holder(access).await?;
            let mut tx = self.read().await?;
            self.authorize(&mut tx, &actor, Action::ReadTrustChanges, None)
                .await?;
        }
        let mut tx = self.read().await?;
        let name = gun.map(Gun::as_str);
        let limit = records.saturating_abs().clamp(1, MOST);
        Ok(match (from < 0, records < 0) {
            (false, false) => rows::changes_after(&mut tx, name, from, limit).await?,
            (true, _) => rows::changes_before(&mut tx, name, i64::MAX, limit).await?,
            (false, true) => rows::changes_before(&mut tx, name, from, limit).await?,
        })
    }
}
