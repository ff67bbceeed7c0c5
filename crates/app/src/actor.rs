//! Who asks, and what they are towards the thing in question.

use market::{Action, PublisherId, PullAccess, Role, allows};
use store::{Tx, accounts::Account, products::Product};

use crate::{App, AppError};

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    account: Option<Account>,
    read_only: bool,
    system: bool,
}

impl Actor {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Plimsoll itself: jobs and the command line of whoever has the data folder.
    pub fn system() -> Self {
        Self {
            system: true,
            ..Self::default()
        }
    }

    /// Somebody who signed in with all their rights.
    pub fn account(account: Account) -> Self {
        Self {
            account: Some(account),
            ..Self::default()
        }
    }

    /// Somebody who signed in with a token that may only read.
    pub fn read_only(account: Account) -> Self {
        Self {
            account: Some(account),
            read_only: true,
            ..Self::default()
        }
    }

    /// Returns the account, where somebody is signed in.
    pub fn signed_in(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Returns whether nobody in particular asks.
    pub fn is_nobody(&self) -> bool {
        self.account.is_none() && !self.system
    }

    /// Returns whether the asker signed in with something that may change things.
    pub fn may_write(&self) -> bool {
        !self.read_only
    }

    /// Returns whether the operator's staff asks.
    pub fn is_staff(&self) -> bool {
        self.system
            || self
                .account
                .as_ref()
                .is_some_and(|account| account.staff_role.is_some())
    }

    /// Returns whether the operator asks.
    pub fn is_operator(&self) -> bool {
        self.system || self.staff_role() == Some("operator")
    }

    fn staff_role(&self) -> Option<&str> {
        self.account
            .as_ref()
            .and_then(|account| account.staff_role.as_deref())
    }

    pub(crate) fn audit_name(&self) -> &str {
        self.account.as_ref().map_or(
            if self.system { "system" } else { "anonymous" },
            |account| account.id.as_str(),
        )
    }

    /// Returns the account, or the error that asks to sign in.
    pub(crate) fn require_account(&self, what_for: &str) -> Result<&Account, AppError> {
        self.account
            .as_ref()
            .ok_or_else(|| AppError::Unauthenticated(format!("it is needed {what_for}")))
    }
}

/// What a token that may only read is good for.
const READING: [Action; 6] = [
    Action::BrowseListings,
    Action::ReadSubmission,
    Action::ReadQueue,
    Action::PullStaging,
    Action::PullReleased,
    Action::ReadAudit,
];

impl App {
    /// Returns what `actor` is towards `publisher`.
    pub(crate) async fn roles(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: Option<&PublisherId>,
    ) -> Result<Vec<Role>, AppError> {
        let mut roles = vec![Role::Anyone];
        if actor.system {
            roles.push(Role::Operator);
        }
        let Some(account) = &actor.account else {
            return Ok(roles);
        };
        roles.push(Role::Account);
        if let Some(role) = account
            .staff_role
            .as_deref()
            .and_then(|role| role.parse().ok())
        {
            roles.push(role);
        }
        if let Some(publisher) = publisher {
            let role = store::publishers::member_role(tx, publisher, &account.id).await?;
            roles.extend(role.and_then(|role| role.parse::<Role>().ok()));
        }
        Ok(roles)
    }

    /// Returns what `actor` is towards a listed `product`, subscriptions included.
    pub(crate) async fn roles_for_product(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: &Product,
    ) -> Result<Vec<Role>, AppError> {
        let mut roles = self.roles(tx, actor, Some(&product.publisher_id)).await?;
        let access = product
            .listed
            .as_ref()
            .map_or(PullAccess::Subscribers, |listed| listed.access);
        let open = match access {
            PullAccess::Everyone => true,
            PullAccess::SignedIn => actor.account.is_some(),
            PullAccess::Subscribers => false,
        };
        let subscribed = match &actor.account {
            Some(account) => store::subscriptions::in_force(tx, &account.id, &product.id)
                .await?
                .is_some_and(|subscription| subscription.state.entitles()),
            None => false,
        };
        if open || subscribed {
            roles.push(Role::Subscriber);
        }
        Ok(roles)
    }

    /// The only gate: denies unless the table in `market` allows it.
    pub(crate) async fn authorize(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
        publisher: Option<&PublisherId>,
    ) -> Result<(), AppError> {
        let roles = self.roles(tx, actor, publisher).await?;
        check(actor, action, &roles)
    }
}

/// Denies unless the table allows `action` to `roles`.
pub(crate) fn check(actor: &Actor, action: Action, roles: &[Role]) -> Result<(), AppError> {
    if actor.read_only && !READING.contains(&action) {
        return Err(AppError::Denied(
            "this access token may only read: use one that may write".to_owned(),
        ));
    }
    if allows(action, roles) {
        return Ok(());
    }
    if actor.account.is_none() {
        return Err(AppError::Unauthenticated(format!(
            "`{action}` is not open to everybody"
        )));
    }
    let own_work = action == Action::DecideSubmission
        && roles
            .iter()
            .any(|role| matches!(role, Role::Viewer | Role::Editor | Role::Owner));
    if own_work {
        return Err(AppError::Denied(
            "nobody decides on a submission of their own publisher".to_owned(),
        ));
    }
    Err(AppError::Denied(format!(
        "your account may not do this (`{action}`)"
    )))
}
