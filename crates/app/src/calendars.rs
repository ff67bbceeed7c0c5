//! Calendars of what becomes of a publisher's listings, at addresses that are secrets: most
//! calendar programs can neither sign in nor send a token.

use chrono::{DateTime, Utc};
use market::Action;
use store::{Tx, calendars::Calendar, publishers::Publisher};

use crate::{
    Actor, App, AppError, Forecast,
    accounts::{hash_secret, secret_text},
    audit::Change,
    state::random,
};

impl App {
    /// Makes a new address for the asker's calendar of a publisher and gives its key, which is
    /// shown once; the address before ends.
    ///
    /// # Errors
    /// There is no such publisher, the asker is no member, or signed in with a token: the
    /// address would outlive it.
    pub async fn make_calendar_address(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<String, AppError> {
        let mut tx = self.begin().await?;
        let (calendar, publisher) = self.calendar(&mut tx, actor, publisher).await?;
        let key = secret_text(&random::<25>());
        store::calendars::set(&mut tx, &calendar, &hash_secret(&key)).await?;
        self.record_calendar(&mut tx, actor, &publisher, "made")
            .await?;
        tx.commit().await?;
        Ok(key)
    }

    /// Ends the address of the asker's calendar of a publisher.
    ///
    /// # Errors
    /// There is no such publisher or no such address, the asker is no member, or signed in with
    /// a token.
    pub async fn end_calendar_address(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (calendar, publisher) = self.calendar(&mut tx, actor, publisher).await?;
        if !store::calendars::delete(&mut tx, &calendar.account_id, &publisher.id).await? {
            return Err(AppError::not_found(
                "address of a calendar of",
                publisher.slug.as_str(),
            ));
        }
        self.record_calendar(&mut tx, actor, &publisher, "ended")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns when the address of the asker's calendar of a publisher was made, if it has one.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn calendar_address(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<Option<DateTime<Utc>>, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        let Some(account) = actor.signed_in() else {
            return Ok(None);
        };
        let found = store::calendars::find(&mut tx, &account.id, &publisher.id).await?;
        Ok(found.map(|calendar| calendar.made_at))
    }

    /// Returns what is in the calendar at the address with this key: what its owner may see now.
    ///
    /// # Errors
    /// There is no such calendar, or its owner is no member any longer.
    pub async fn calendar_by_key(&self, key: &str) -> Result<(String, Vec<Forecast>), AppError> {
        let missing = || AppError::not_found("calendar with the key", "…");
        let (owner, slug) = {
            let mut tx = self.read().await?;
            let found = store::calendars::find_by_key(&mut tx, &hash_secret(key)).await?;
            let calendar = found.ok_or_else(missing)?;
            let owner = store::accounts::find(&mut tx, &calendar.account_id).await?;
            let publisher = store::publishers::find(&mut tx, &calendar.publisher_id).await?;
            let owner = owner.filter(|owner| owner.disabled_at.is_none());
            let owner = owner.ok_or_else(missing)?;
            (owner, publisher.ok_or_else(missing)?.slug.to_string())
        };
        match self.forecast(&Actor::account(owner), &slug).await {
            Ok(forecasts) => Ok((slug, forecasts)),
            Err(AppError::NotFound { .. }) => Err(missing()),
            Err(error) => Err(error),
        }
    }

    /// Returns the asker's calendar of a publisher as one that is made now.
    async fn calendar(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: &str,
    ) -> Result<(Calendar, Publisher), AppError> {
        let publisher = self.member_publisher(tx, actor, publisher).await?;
        self.authorize(tx, actor, Action::ManageOwnCalendars, None)
            .await?;
        let account = actor.require_account("to have a calendar")?;
        let calendar = Calendar {
            account_id: account.id.clone(),
            publisher_id: publisher.id.clone(),
            made_at: self.now(),
        };
        Ok((calendar, publisher))
    }

    async fn record_calendar(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: &Publisher,
        after: &str,
    ) -> Result<(), AppError> {
        let change = Change {
            subject: publisher.id.as_str(),
            after: Some(after),
            ..Change::default()
        };
        self.record(tx, actor, Action::ManageOwnCalendars, change)
            .await
    }
}
