//! Who belongs to a publisher, and as what. There is always an owner who can sign in.

use chrono::TimeDelta;
use market::{AccountId, Action, PublisherId, Role, is_member_role};
use store::{
    Tx,
    accounts::Account,
    invitations::{self as rows, Invitation, NamedMember},
    publishers::{Member, Publisher},
};

use crate::{Actor, App, AppError, audit::Change};

/// How long invitations are shown that came to an end.
const SHOWN: TimeDelta = TimeDelta::days(30);

/// Who belongs to a publisher.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its people, in the order of their names; with addresses for those who manage them.
    pub members: Vec<NamedMember>,
    /// Who is invited, or was lately, for those who manage members; newest first.
    pub invitations: Vec<Invitation>,
    /// Whether the asker may invite, change roles and end memberships.
    pub may_manage: bool,
}

impl App {
    pub(crate) async fn add_member(
        &self,
        tx: &mut Tx,
        publisher: &PublisherId,
        account: &AccountId,
        role: Role,
    ) -> Result<(), AppError> {
        let member = Member {
            publisher_id: publisher.clone(),
            account_id: account.clone(),
            role: role.as_str().to_owned(),
            joined_at: self.now(),
        };
        Ok(store::publishers::set_member(tx, &member).await?)
    }

    /// Returns who belongs to a publisher and who is invited, for its members and the staff.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn team(&self, actor: &Actor, slug: &str) -> Result<Team, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let may_manage = crate::actor::check(actor, Action::ManageMembers, &roles).is_ok();
        let mut members = rows::members(&mut tx, &publisher.id).await?;
        let mut invitations = Vec::new();
        if may_manage {
            let since = self.now() - SHOWN;
            invitations = rows::of_publisher(&mut tx, &publisher.id, since).await?;
        } else {
            // Who reaches whom is between them and the owners.
            members.iter_mut().for_each(|member| member.email.clear());
        }
        Ok(Team {
            members,
            invitations,
            may_manage,
        })
    }

    /// Makes an account a member of a publisher, or changes what a member is.
    ///
    /// # Errors
    /// The account is unknown, the role is none of a member, it was the last owner, or the
    /// asker may not.
    pub async fn set_member(
        &self,
        actor: &Actor,
        slug: &str,
        account: &str,
        role: Role,
    ) -> Result<(), AppError> {
        if !is_member_role(role) {
            return Err(AppError::invalid(
                "role",
                "use viewer, editor, finance or owner",
            ));
        }
        let mut tx = self.begin().await?;
        let (publisher, account) = self.managed(&mut tx, actor, (slug, account)).await?;
        let before = store::publishers::member_role(&mut tx, &publisher.id, &account.id).await?;
        if role != Role::Owner {
            self.keep_an_owner(&mut tx, &publisher, (&account, before.as_deref()))
                .await?;
        }
        self.add_member(&mut tx, &publisher.id, &account.id, role)
            .await?;
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&account.name),
            before: before.as_deref(),
            after: Some(role.as_str()),
        };
        self.record(&mut tx, actor, Action::ManageMembers, change)
            .await?;
        if before.as_deref() != Some(role.as_str()) {
            self.tell_of_membership(&mut tx, (actor, &publisher), (&account, Some(role)))
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// There is none, it is the last owner's, or the asker may not.
    pub async fn remove_member(
        &self,
        actor: &Actor,
        slug: &str,
        account: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (publisher, account) = self.managed(&mut tx, actor, (slug, account)).await?;
        self.end_membership(
            &mut tx,
            (actor, Action::ManageMembers),
            &publisher,
            &account,
        )
        .await?;
        Ok(tx.commit().await?)
    }

    /// Ends the asker's own membership.
    ///
    /// # Errors
    /// They are no member, or the last owner.
    pub async fn leave_publisher(&self, actor: &Actor, slug: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::LeavePublisher)
            .await?;
        let account = actor.require_account("to leave")?;
        self.end_membership(
            &mut tx,
            (actor, Action::LeavePublisher),
            &publisher,
            account,
        )
        .await?;
        Ok(tx.commit().await?)
    }

    async fn end_membership(
        &self,
        tx: &mut Tx,
        (actor, action): (&Actor, Action),
        publisher: &Publisher,
        account: &Account,
    ) -> Result<(), AppError> {
        let before = store::publishers::member_role(tx, &publisher.id, &account.id).await?;
        self.keep_an_owner(tx, publisher, (account, before.as_deref()))
            .await?;
        if !rows::remove_member(tx, &publisher.id, &account.id).await? {
            return Err(AppError::not_found("member", &account.name));
        }
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&account.name),
            before: before.as_deref(),
            after: Some("gone"),
        };
        self.record(tx, actor, action, change).await?;
        self.tell_of_membership(tx, (actor, publisher), (account, None))
            .await
    }

    /// Returns a publisher whose members the asker manages, and a person.
    async fn managed(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (slug, name): (&str, &str),
    ) -> Result<(Publisher, Account), AppError> {
        let publisher = self
            .publisher_for(tx, actor, slug, Action::ManageMembers)
            .await?;
        let found = store::accounts::find_by_name(tx, name).await?;
        let account = found.ok_or_else(|| AppError::not_found("account", name))?;
        if account.is_robot() {
            return Err(AppError::invalid(
                "account",
                "a robot belongs where it was made: make one for this publisher",
            ));
        }
        Ok((publisher, account))
    }

    /// Checks that another owner is left where `account` is one.
    async fn keep_an_owner(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        (account, role): (&Account, Option<&str>),
    ) -> Result<(), AppError> {
        if role != Some(Role::Owner.as_str()) {
            return Ok(());
        }
        if rows::other_owners(tx, &publisher.id, &account.id).await? > 0 {
            return Ok(());
        }
        Err(AppError::Conflict(format!(
            "{} is the last owner of {}: make somebody else an owner first",
            account.name, publisher.slug
        )))
    }
}
