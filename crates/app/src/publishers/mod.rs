//! Publishers: what their members and the operator see of them. `apply` is how one comes,
//! `proofs` what it proves, `decide` what the operator decides, `members` who belongs to it
//! and `invitations` who is to, `keys` what it signs with, `terms` what it owes, `partnership`
//! what certification may need.

mod apply;
mod decide;
mod invitations;
mod members;
mod partnership;
mod proofs;
mod terms;

use market::{Action, PublisherState};
use store::{
    Part, Tx,
    publishers::{Publisher, PublisherKey},
};

use crate::{Actor, App, AppError, ProductOverview};

pub use apply::{Application, Profile};
pub(crate) use decide::SUSPENDED;
pub use invitations::InvitationPage;
pub use members::Team;
pub use partnership::{NewPartnership, PartnershipView};
pub use proofs::{DomainFound, DomainStanding, DomainToLookAt, EmailProofPage, Proofs};
pub use terms::PublisherTerms;

/// What members and the operator see of a publisher.
#[derive(Debug, Clone)]
pub struct PublisherPage {
    /// The publisher.
    pub publisher: Publisher,
    /// Its signing keys, revoked ones too.
    pub keys: Vec<PublisherKey>,
    /// A page of its products, by short name.
    pub products: Vec<ProductOverview>,
    /// Which page, from 1.
    pub page: i64,
    /// How many products it has.
    pub total: i64,
    /// Whether the asker may change products and submit.
    pub may_edit: bool,
    /// Whether the asker may manage keys.
    pub may_manage: bool,
}

impl PublisherPage {
    /// Products on one page.
    pub const SIZE: i64 = 50;
}

/// What an account is to a publisher.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The publisher.
    pub publisher: Publisher,
    /// `viewer`, `editor` or `owner`.
    pub role: String,
    /// How many products the publisher has.
    pub products: i64,
}

impl App {
    /// Returns the publishers the asker is a member of.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn my_publishers(&self, actor: &Actor) -> Result<Vec<Publisher>, AppError> {
        let account = actor.require_account("to see your publishers")?;
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOwnAccount, None)
            .await?;
        Ok(store::publishers::of_account(&mut tx, &account.id).await?)
    }

    /// Returns the publishers the asker is a member of, with the asker's role and the number of products.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn my_memberships(&self, actor: &Actor) -> Result<Vec<Membership>, AppError> {
        let account = actor.require_account("to see your publishers")?;
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOwnAccount, None)
            .await?;
        let mut memberships = Vec::new();
        for publisher in store::publishers::of_account(&mut tx, &account.id).await? {
            let role = store::publishers::member_role(&mut tx, &publisher.id, &account.id).await?;
            let products = store::products::count_of_publisher(&mut tx, &publisher.id).await?;
            memberships.push(Membership {
                role: role.unwrap_or_default(),
                products,
                publisher,
            });
        }
        Ok(memberships)
    }

    /// Returns a part of the publishers in a state or in any, for the operator: those that applied
    /// longest ago first, from behind one with a short name.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn list_publishers(
        &self,
        actor: &Actor,
        state: Option<PublisherState>,
        part: Part<'_>,
    ) -> Result<Vec<Publisher>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::DecidePublisher, None)
            .await?;
        Ok(store::publishers::list(&mut tx, state, part).await?)
    }

    /// Returns how many publishers wait for the operator's decision.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn publishers_waiting(&self, actor: &Actor) -> Result<i64, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::DecidePublisher, None)
            .await?;
        Ok(store::publishers::count_in(&mut tx, PublisherState::Applied).await?)
    }

    /// Returns a publisher, for its members.
    ///
    /// # Errors
    /// There is none, or the asker is no member.
    pub async fn publisher(&self, actor: &Actor, slug: &str) -> Result<Publisher, AppError> {
        self.member_publisher(&mut self.read().await?, actor, slug)
            .await
    }

    /// Returns what members see of their publisher, with a page of its products.
    ///
    /// # Errors
    /// There is none, or the asker is no member.
    pub async fn publisher_page(
        &self,
        actor: &Actor,
        slug: &str,
        page: i64,
    ) -> Result<PublisherPage, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let keys = store::publishers::keys(&mut tx, &publisher.id).await?;
        let page = page.clamp(1, 10_000);
        let place = (PublisherPage::SIZE, (page - 1) * PublisherPage::SIZE);
        let products = Self::product_overviews(&mut tx, &publisher.id, place).await?;
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        Ok(PublisherPage {
            total: store::products::count_of_publisher(&mut tx, &publisher.id).await?,
            publisher,
            keys,
            products,
            page,
            may_edit: may(Action::EditProduct),
            may_manage: may(Action::ManageKeys),
        })
    }

    /// Returns a publisher if the asker is a member or staff; anybody else is told that there is none.
    pub(crate) async fn member_publisher(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        slug: &str,
    ) -> Result<Publisher, AppError> {
        // Who is nobody learns nothing about which publishers there are.
        if actor.is_nobody() {
            return Err(AppError::Unauthenticated(
                "publishers are seen by their members".to_owned(),
            ));
        }
        let publisher = self.publisher_by_slug(tx, slug).await?;
        self.authorize(tx, actor, Action::ReadSubmission, Some(&publisher.id))
            .await
            .map_err(|error| match error {
                AppError::Denied(_) => AppError::not_found("publisher", slug),
                other => other,
            })?;
        Ok(publisher)
    }

    /// Returns a publisher that the asker may do something with; who is no member is told that
    /// there is none.
    pub(crate) async fn publisher_for(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        slug: &str,
        action: Action,
    ) -> Result<Publisher, AppError> {
        let publisher = self.member_publisher(tx, actor, slug).await?;
        self.authorize(tx, actor, action, Some(&publisher.id))
            .await?;
        Ok(publisher)
    }

    pub(crate) async fn publisher_by_slug(
        &self,
        tx: &mut Tx,
        slug: &str,
    ) -> Result<Publisher, AppError> {
        store::publishers::find_by_slug(tx, slug)
            .await?
            .ok_or_else(|| AppError::not_found("publisher", slug))
    }
}
