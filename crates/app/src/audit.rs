//! One audit record for each transition, in the transaction that makes it.

use market::{Action, AuditId};
use store::{
    Tx,
    audit::{AuditRecord, NamedRecord},
};

use crate::{Actor, App, AppError};

/// What changed, for the record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Change<'a> {
    /// The id of what it was done to.
    pub(crate) subject: &'a str,
    /// Why, where somebody said so.
    pub(crate) reason: Option<&'a str>,
    /// The state before.
    pub(crate) before: Option<&'a str>,
    /// The state after.
    pub(crate) after: Option<&'a str>,
}

impl App {
    /// Records that `actor` did `action`.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
        change: Change<'_>,
    ) -> Result<(), AppError> {
        let record = AuditRecord {
            id: self.id(AuditId::new).as_str().to_owned(),
            at: self.now(),
            actor: actor.audit_name().to_owned(),
            action: action.as_str().to_owned(),
            subject: change.subject.to_owned(),
            reason: change.reason.map(str::to_owned),
            before: change.before.map(str::to_owned),
            after: change.after.map(str::to_owned),
        };
        Ok(store::audit::append(tx, &record).await?)
    }

    /// Returns the newest audit records.
    ///
    /// # Errors
    /// The asker may not read them.
    pub async fn audit_log(&self, actor: &Actor, limit: i64) -> Result<Vec<NamedRecord>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadAudit, None)
            .await?;
        Ok(store::audit::newest(&mut tx, limit.clamp(1, 1_000)).await?)
    }
}
