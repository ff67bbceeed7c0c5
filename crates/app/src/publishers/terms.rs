//! What a publisher owes: set by the operator, read by its owners and finance.

use market::{Action, NoticeKind, Terms};
use store::terms::{self as rows, TermsRow};

use crate::{Actor, App, AppError, audit::Change, notices::News};

/// Longest note, in characters.
const MAX_NOTE: usize = 500;

/// What a publisher owes, and owed.
#[derive(Debug, Clone)]
pub struct PublisherTerms {
    /// What is in force.
    pub terms: Terms,
    /// Every version, the newest first; none where nothing was ever set and all is waived.
    pub versions: Vec<TermsRow>,
    /// Whether the asker may set them.
    pub may_set: bool,
}

impl App {
    /// Returns what a publisher owes.
    ///
    /// # Errors
    /// There is no such publisher, or it is not the asker's to know.
    pub async fn publisher_terms(
        &self,
        actor: &Actor,
        slug: &str,
    ) -> Result<PublisherTerms, AppError> {
        let mut tx = self.read().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::ReadTerms)
            .await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let versions = rows::of_publisher(&mut tx, &publisher.id).await?;
        Ok(PublisherTerms {
            terms: versions.first().map(TermsRow::terms).unwrap_or_default(),
            versions,
            may_set: crate::actor::check(actor, Action::SetTerms, &roles).is_ok(),
        })
    }

    /// Sets what a publisher owes from now on; what it owed before stays readable.
    ///
    /// # Errors
    /// They cannot be so or are so already, the note is missing or too long, or the asker may
    /// not.
    pub async fn set_terms(
        &self,
        actor: &Actor,
        slug: &str,
        terms: &Terms,
        note: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::SetTerms)
            .await?;
        let mut problems = terms.problems();
        let note = note.trim();
        if note.is_empty() || note.chars().count() > MAX_NOTE {
            problems.push(market::Problem {
                field: "note".to_owned(),
                message: "say in at most 500 characters why it is so".to_owned(),
            });
        }
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let versions = rows::of_publisher(&mut tx, &publisher.id).await?;
        let before = versions.first().map(TermsRow::terms).unwrap_or_default();
        if before == *terms {
            return Err(AppError::Conflict("these are the terms already".to_owned()));
        }
        let by = actor.signed_in().map_or("system", |who| who.name.as_str());
        let row = TermsRow {
            version: versions.first().map_or(1, |newest| newest.version + 1),
            fee_minor: terms.listing_fee.as_ref().map(|fee| fee.amount_minor),
            fee_currency: terms.listing_fee.as_ref().map(|fee| fee.currency.clone()),
            revenue_share: terms.revenue_share,
            note: note.to_owned(),
            set_by: by.to_owned(),
            set_at: self.now(),
        };
        rows::create(&mut tx, &publisher.id, &row)
            .await
            .map_err(|error| match error.is_conflict() {
                true => AppError::changed_meanwhile("terms"),
                false => error.into(),
            })?;
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(note),
            before: Some(&words(&before)),
            after: Some(&words(terms)),
        };
        self.record(&mut tx, actor, Action::SetTerms, change)
            .await?;
        let name = &publisher.legal_name;
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!("terms:{}:{}", publisher.id, row.version),
            title: format!("New terms for {name}"),
            body: format!("The terms of {name} are now: {}.\n\n{note}", words(terms)),
            path: &format!("/publisher/{}#terms", publisher.slug),
            product: None,
        };
        let people = store::notices::payers(&mut tx, &publisher.id).await?;
        self.tell(&mut tx, &people, &news).await?;
        Ok(tx.commit().await?)
    }
}

fn words(terms: &Terms) -> String {
    format!(
        "listing fee {}, revenue share {}",
        terms.fee_words(),
        terms.share_words()
    )
}
