//! One audit record for each transition, in the transaction that makes it.

use market::{Action, AuditId};
use store::{
    Part, Tx,
    audit::{AuditFilter, AuditRecord, NamedRecord},
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

/// Which audit records are asked for; an empty text is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of what this account did, by its name or id, or `system` or `anonymous`.
    pub actor: String,
    /// Of this action, by its word.
    pub action: String,
    /// Of what was done to what has this id, or to a publisher, product or account of this name.
    pub subject: String,
}

impl AuditQuery {
    /// Returns whether some records are left out.
    pub fn is_filtered(&self) -> bool {
        *self != Self::default()
    }
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

    /// Returns a part of the audit records that are asked for, newest first.
    ///
    /// # Errors
    /// The asker may not read them.
    pub async fn audit_log(
        &self,
        actor: &Actor,
        query: &AuditQuery,
        part: Part<'_>,
    ) -> Result<Vec<NamedRecord>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadAudit, None)
            .await?;
        let filter = AuditFilter {
            actor: &account_id(&mut tx, query.actor.trim()).await?,
            action: query.action.trim(),
            subject: &subject_id(&mut tx, query.subject.trim()).await?,
        };
        Ok(store::audit::newest(&mut tx, filter, part).await?)
    }
}

/// Returns the reason that the log has for what is not done without one.
pub(crate) fn stated(reason: &str) -> Result<&str, AppError> {
    match reason.trim() {
        "" => Err(AppError::invalid(
            "reason",
            "say why; it stands in the audit log",
        )),
        reason => Ok(reason),
    }
}

/// Returns whether a text stands in the log itself: no account's name may hide what does.
fn is_literal(text: &str) -> bool {
    let is_id = text.split_once('_').is_some_and(|(kind, rest)| {
        kind.len() == 3 && rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    is_id || matches!(text, "" | "system" | "anonymous")
}

/// Returns the id of the account with a name; what is no name is left as it is.
async fn account_id(tx: &mut Tx, name: &str) -> Result<String, AppError> {
    let found = match is_literal(name) {
        true => None,
        false => store::accounts::find_by_name(tx, name).await?,
    };
    Ok(found.map_or_else(|| name.to_owned(), |account| account.id.to_string()))
}

/// Returns the id of the publisher, product or account with a name; what is no name is left as
/// it is.
async fn subject_id(tx: &mut Tx, name: &str) -> Result<String, AppError> {
    let (publisher, product) = match name.split_once('/') {
        Some((publisher, product)) => (publisher, Some(product)),
        None => (name, None),
    };
    let Some(publisher) = store::publishers::find_by_slug(tx, publisher).await? else {
        return account_id(tx, name).await;
    };
    let Some(product) = product else {
        return Ok(publisher.id.to_string());
    };
    let found = store::products::find_by_slug(tx, &publisher.id, product).await?;
    Ok(found.map_or_else(|| name.to_owned(), |product| product.id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_log_is_no_name() {
        for literal in ["", "system", "anonymous", "acc_01m8g00000000000000000000x"] {
            assert!(is_literal(literal), "{literal}");
        }
        for name in ["ann", "acc_ann", "systems", "a_01m8g00000000000000000000x"] {
            assert!(!is_literal(name), "{name}");
        }
    }
}
