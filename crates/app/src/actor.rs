//! Who asks, and what they are towards the thing in question.

use chrono::{DateTime, Utc};
use market::{
    Action, Entitlement, Holding, PublisherId, RepositoryAction, Role, TokenScopes, allows,
    holder_may, is_own_work,
};
use store::{Tx, accounts::Account, entitlements::Bought, products::Product, tokens::Token};

use crate::{App, AppError};

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    account: Option<Account>,
    /// The token they signed in with, then the one it was made with, and so on; none for a password.
    held: Vec<Token>,
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

    /// Somebody who signed in with their password.
    pub fn account(account: Account) -> Self {
        Self {
            account: Some(account),
            ..Self::default()
        }
    }

    /// Somebody who signed in with a token: `held` begins with it and goes on with the ones it was made with.
    pub fn holding(account: Account, held: Vec<Token>) -> Self {
        Self {
            account: Some(account),
            held,
            system: false,
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
        self.held.iter().all(|token| token.may_push)
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

    /// Returns the token they signed in with.
    pub(crate) fn token(&self) -> Option<&Token> {
        self.held.first()
    }

    /// Returns how many tokens stand between the password and the asker.
    pub(crate) fn generations(&self) -> usize {
        self.held.len()
    }

    /// Returns whether no token in the line keeps `action` from happening in the repository called `name`.
    pub(crate) fn scopes_allow(&self, name: &str, action: RepositoryAction) -> bool {
        self.held
            .iter()
            .all(|token| token.scopes.allow(name, action))
    }

    /// Returns whether `scopes` are within those of every token in the line.
    pub(crate) fn scopes_contain(&self, scopes: &TokenScopes) -> bool {
        self.held.iter().all(|token| token.scopes.contain(scopes))
    }

    /// Returns when the first token of the line ends.
    pub(crate) fn ends(&self) -> Option<DateTime<Utc>> {
        self.held.iter().filter_map(|token| token.expires_at).min()
    }

    /// Returns what they signed in with, where that is less than a person's password.
    fn holdings(&self) -> impl Iterator<Item = Holding> {
        let scoped = self.held.iter().any(|token| !token.scopes.is_unlimited());
        let robot = self.account.as_ref().is_some_and(Account::is_robot);
        [
            (Holding::Robot, robot),
            (Holding::ReadingToken, !self.may_write()),
            (Holding::ScopedToken, scoped),
            (Holding::Token, !self.held.is_empty()),
        ]
        .into_iter()
        .filter_map(|(holding, is)| is.then_some(holding))
    }
}

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

    /// Returns what `actor` is towards a listed `product`, subscriptions included, and what of it
    /// that entitles to pull.
    pub(crate) async fn roles_for_product(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: &Product,
    ) -> Result<(Vec<Role>, Entitlement), AppError> {
        let mut roles = self.roles(tx, actor, Some(&product.publisher_id)).await?;
        // Its publisher's people and the operator's staff have all of it.
        let is_insider = allows(Action::PullReleased, &roles);
        let has = |consumer| match is_insider {
            true => Entitlement::Everything,
            false => consumer,
        };
        // What was closed while it is on hold, its publisher and the operator's staff pull alone.
        if product.pulls_closed_at.is_some() {
            return Ok((roles, has(Entitlement::nothing())));
        }
        let bought = match &actor.account {
            Some(account) => store::entitlements::bought(tx, &account.id, &product.id).await?,
            None => None,
        };
        let bought = bought.as_ref().map(Bought::as_rule);
        let consumer = match &product.listed {
            Some(listed) => Entitlement::of_consumer(listed, actor.account.is_some(), bought),
            None => Entitlement::nothing(),
        };
        if !consumer.is_nothing() {
            roles.push(Role::Subscriber);
        }
        Ok((roles, has(consumer)))
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
    if let Some(less) = actor.holdings().find(|held| !holder_may(*held, action)) {
        return Err(AppError::Denied(too_little(less, action)));
    }
    if allows(action, roles) {
        return Ok(());
    }
    if actor.account.is_none() {
        return Err(AppError::Unauthenticated(format!(
            "`{action}` is not open to everybody"
        )));
    }
    if is_own_work(action, roles) {
        return Err(AppError::Denied(
            "nobody decides on the work of their own publisher".to_owned(),
        ));
    }
    Err(AppError::Denied(format!(
        "your account may not do this (`{action}`)"
    )))
}

fn too_little(held: Holding, action: Action) -> String {
    match held {
        Holding::Robot => format!("robots may not do this (`{action}`): a person must"),
        Holding::ReadingToken => {
            "this access token may only read: use one that may write".to_owned()
        }
        Holding::ScopedToken => {
            "this access token is cut down to repositories: use one without scopes".to_owned()
        }
        Holding::Token => {
            "an access token is not enough for this: sign in with your password".to_owned()
        }
    }
}
