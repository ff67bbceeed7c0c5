//! Texts that the certification team keeps for its decisions.

use market::{Action, Decision, TemplateId, template_problems};
use store::{StoreError, Tx, templates::Template};

use crate::{Actor, App, AppError, audit::Change};

/// Most templates that are kept: they are offered in one list.
const MOST_TEMPLATES: usize = 200;

/// What a template says.
#[derive(Debug, Clone, Copy)]
pub struct NewTemplate<'a> {
    /// What it is a reason for.
    pub decision: Decision,
    /// What it is called; once for each kind of decision.
    pub name: &'a str,
    /// What it says.
    pub body: &'a str,
}

impl App {
    /// Returns the templates of decisions, by kind and name.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn templates(&self, actor: &Actor) -> Result<Vec<Template>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        Ok(store::templates::all(&mut tx).await?)
    }

    /// Adds a template.
    ///
    /// # Errors
    /// Its name is taken, it lacks something, there are too many, or the asker may not.
    pub async fn add_template(
        &self,
        actor: &Actor,
        new: NewTemplate<'_>,
    ) -> Result<Template, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ManageTemplates, None)
            .await?;
        let template = self.template(actor, self.id(TemplateId::new), new)?;
        if store::templates::all(&mut tx).await?.len() >= MOST_TEMPLATES {
            return Err(AppError::Conflict(format!(
                "there are {MOST_TEMPLATES} templates already: remove one first"
            )));
        }
        let created = store::templates::create(&mut tx, &template).await;
        created.map_err(taken)?;
        self.record_template(&mut tx, actor, (&template.id, None, Some(&template)))
            .await?;
        tx.commit().await?;
        Ok(template)
    }

    /// Replaces what a template says.
    ///
    /// # Errors
    /// There is none, its name is taken, it lacks something, or the asker may not.
    pub async fn change_template(
        &self,
        actor: &Actor,
        id: &str,
        new: NewTemplate<'_>,
    ) -> Result<Template, AppError> {
        let mut tx = self.begin().await?;
        let before = self.template_to_manage(&mut tx, actor, id).await?;
        let template = self.template(actor, before.id.clone(), new)?;
        let changed = store::templates::change(&mut tx, &template).await;
        changed.map_err(taken)?;
        let change = (&template.id, Some(&before), Some(&template));
        self.record_template(&mut tx, actor, change).await?;
        tx.commit().await?;
        Ok(template)
    }

    /// Removes a template; decisions that were made with it keep their words.
    ///
    /// # Errors
    /// There is none, or the asker may not.
    pub async fn remove_template(&self, actor: &Actor, id: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let before = self.template_to_manage(&mut tx, actor, id).await?;
        store::templates::remove(&mut tx, &before.id).await?;
        self.record_template(&mut tx, actor, (&before.id, Some(&before), None))
            .await?;
        Ok(tx.commit().await?)
    }

    async fn template_to_manage(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: &str,
    ) -> Result<Template, AppError> {
        self.authorize(tx, actor, Action::ManageTemplates, None)
            .await?;
        let missing = || AppError::not_found("template", id);
        let id: TemplateId = id.parse().map_err(|_malformed| missing())?;
        store::templates::find(tx, &id).await?.ok_or_else(missing)
    }

    fn template(
        &self,
        actor: &Actor,
        id: TemplateId,
        new: NewTemplate<'_>,
    ) -> Result<Template, AppError> {
        let problems = template_problems(new.name, new.body);
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let account = actor.require_account("to write templates")?;
        Ok(Template {
            id,
            decision: new.decision,
            name: new.name.trim().to_owned(),
            body: new.body.trim().to_owned(),
            changed_by: account.id.clone(),
            author: account.name.clone(),
            changed_at: self.now(),
        })
    }

    /// The record has the words: they are what publishers read with somebody's name on it.
    async fn record_template(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (id, before, after): (&TemplateId, Option<&Template>, Option<&Template>),
    ) -> Result<(), AppError> {
        let words = |it: &Template| format!("{} “{}”: {}", it.decision, it.name, it.body);
        let (before, after) = (before.map(words), after.map(words));
        let change = Change {
            subject: id.as_str(),
            before: before.as_deref(),
            after: after.as_deref(),
            ..Change::default()
        };
        self.record(tx, actor, Action::ManageTemplates, change)
            .await
    }
}

fn taken(error: StoreError) -> AppError {
    if error.is_conflict() {
        AppError::Conflict("there is a template of this name for this decision already".to_owned())
    } else {
        error.into()
    }
}
