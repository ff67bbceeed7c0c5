//! Texts that the certification team keeps for its decisions.

use chrono::{DateTime, Utc};
use market::{AccountId, Decision, TemplateId};

use crate::{
    StoreError, Tx, assets,
    db::{execute, fetch_all, fetch_opt},
};

/// A text for a decision.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Template {
    /// Its identifier.
    #[sqlx(try_from = "String")]
    pub id: TemplateId,
    /// What it is a reason for.
    #[sqlx(try_from = "String")]
    pub decision: Decision,
    /// What it is called; once for each kind of decision.
    pub name: String,
    /// What it says.
    pub body: String,
    /// Who wrote it as it is.
    #[sqlx(try_from = "String")]
    pub changed_by: AccountId,
    /// The name of that account.
    pub author: String,
    /// When.
    pub changed_at: DateTime<Utc>,
}

/// Adds one.
///
/// # Errors
/// Its name is taken, or the database refused.
pub async fn create(tx: &mut Tx, new: &Template) -> Result<(), StoreError> {
    assets::keep_named(tx, &new.body).await?;
    execute!(
        tx,
        "INSERT INTO decision_templates (id, decision, name, body, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6)",
        new.id.as_str(),
        new.decision.as_str(),
        &new.name,
        &new.body,
        new.changed_by.as_str(),
        new.changed_at,
    )?;
    Ok(())
}

/// Replaces what one says.
///
/// # Errors
/// Its name is taken, or the database refused.
pub async fn change(tx: &mut Tx, template: &Template) -> Result<(), StoreError> {
    assets::keep_named(tx, &template.body).await?;
    execute!(
        tx,
        "UPDATE decision_templates SET decision = $2, name = $3, body = $4, changed_by = $5, changed_at = $6 WHERE id = $1",
        template.id.as_str(),
        template.decision.as_str(),
        &template.name,
        &template.body,
        template.changed_by.as_str(),
        template.changed_at,
    )?;
    Ok(())
}

/// Removes one.
///
/// # Errors
/// The database refused.
pub async fn remove(tx: &mut Tx, id: &TemplateId) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM decision_templates WHERE id = $1",
        id.as_str()
    )?;
    Ok(())
}

/// Returns the one with this identifier.
///
/// # Errors
/// The database cannot be read.
pub async fn find(tx: &mut Tx, id: &TemplateId) -> Result<Option<Template>, StoreError> {
    fetch_opt!(
        tx,
        Template,
        "SELECT t.*, a.name AS author FROM decision_templates t JOIN accounts a ON a.id = t.changed_by WHERE t.id = $1",
        id.as_str()
    )
}

/// Returns all of them, by kind and name.
///
/// # Errors
/// The database cannot be read.
pub async fn all(tx: &mut Tx) -> Result<Vec<Template>, StoreError> {
    fetch_all!(
        tx,
        Template,
        "SELECT t.*, a.name AS author FROM decision_templates t JOIN accounts a ON a.id = t.changed_by ORDER BY t.decision, t.name COLLATE \"C\""
    )
}
