//! Robot accounts: machines that belong to a publisher, or to a person and pull what that
//! person is subscribed to. They have access tokens and no password, are members of nothing
//! else, decide nothing, and end with whoever they belong to.

use chrono::{DateTime, TimeDelta, Utc};
use market::{AccountId, Action, Problem, PublisherId, RobotName, RobotOwner, Role};
use store::{
    Tx,
    accounts::{Account, Robot},
    tokens::{self, Token},
};

use crate::{Actor, App, AppError, NewToken, audit::Change};

/// Robots in force of one publisher or person at most.
const MOST_ROBOTS: usize = 100;

/// A robot to make.
#[derive(Debug, Clone)]
pub struct NewRobot {
    /// `publisher+name` or, for oneself, `account~name`.
    pub name: String,
    /// Viewer or editor of the publisher; nothing for a robot of one's own.
    pub role: Option<Role>,
    /// How long it lives; without it, until it is revoked.
    pub life: Option<TimeDelta>,
}

/// A robot as whoever manages it sees it.
#[derive(Debug, Clone)]
pub struct RobotView {
    /// Its account.
    pub account: Account,
    /// `viewer` or `editor` of its publisher; nothing where it belongs to a person.
    pub role: Option<String>,
    /// Its tokens that were not revoked, newest first.
    pub tokens: Vec<Token>,
}

impl RobotView {
    /// Returns when any of its tokens was last used, to the hour.
    pub fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.tokens
            .iter()
            .filter_map(|token| token.last_used_at)
            .max()
    }
}

/// A robot's owner, found and asked whether the asker may manage its robots.
struct Owner {
    publisher: Option<PublisherId>,
    account: Option<AccountId>,
    email: String,
    allowed: Action,
}

impl App {
    /// Makes a robot. It has no tokens yet.
    ///
    /// # Errors
    /// The name is malformed, was used before or belongs to somebody else, the role does not fit, or the asker may not.
    pub async fn create_robot(&self, actor: &Actor, new: &NewRobot) -> Result<RobotView, AppError> {
        let name: RobotName = new.name.parse().map_err(|error: market::RobotNameError| {
            AppError::invalid("name", error.to_string())
        })?;
        let mut tx = self.begin().await?;
        let owner = self.robot_owner(&mut tx, actor, name.owner()).await?;
        check_role(&owner, new.role)?;
        let others = match (&owner.publisher, &owner.account) {
            (Some(publisher), _) => store::accounts::robots_of_publisher(&mut tx, publisher).await,
            (_, Some(account)) => store::accounts::robots_of_account(&mut tx, account).await,
            _ => Ok(Vec::new()),
        };
        if others?.len() >= MOST_ROBOTS {
            return Err(AppError::Conflict(format!(
                "there are {MOST_ROBOTS} robots already: revoke some that are not needed"
            )));
        }
        let account = Account {
            id: self.id(AccountId::new),
            name: name.to_string(),
            email: owner.email.clone(),
            // No password has this hash.
            password_hash: String::new(),
            staff_role: None,
            created_at: self.now(),
            disabled_at: None,
            robot: Robot {
                publisher_id: owner.publisher.as_ref().map(ToString::to_string),
                account_id: owner.account.as_ref().map(ToString::to_string),
                expires_at: new
                    .life
                    .and_then(|life| self.now().checked_add_signed(life)),
            },
        };
        self.keep_robot(&mut tx, &account, &owner, new.role).await?;
        let change = Change {
            subject: account.id.as_str(),
            reason: Some(&account.name),
            after: Some(new.role.map_or("robot", Role::as_str)),
            ..Change::default()
        };
        self.record(&mut tx, actor, owner.allowed, change).await?;
        tx.commit().await?;
        Ok(RobotView {
            role: new.role.map(|role| role.as_str().to_owned()),
            tokens: Vec::new(),
            account,
        })
    }

    async fn keep_robot(
        &self,
        tx: &mut Tx,
        account: &Account,
        owner: &Owner,
        role: Option<Role>,
    ) -> Result<(), AppError> {
        store::accounts::create(tx, account)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::invalid(
                        "name",
                        format!(
                            "there is or was a robot `{}`: choose another name",
                            account.name
                        ),
                    )
                } else {
                    error.into()
                }
            })?;
        if let (Some(publisher), Some(role)) = (&owner.publisher, role) {
            self.add_member(tx, publisher, &account.id, role).await?;
        }
        Ok(())
    }

    /// Returns the asker's own robots and those of the publishers they are a member of.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn list_robots(&self, actor: &Actor) -> Result<Vec<RobotView>, AppError> {
        let account = actor.require_account("to see your robots")?;
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOwnAccount, None)
            .await?;
        let mut robots = store::accounts::robots_of_account(&mut tx, &account.id).await?;
        for publisher in store::publishers::of_account(&mut tx, &account.id).await? {
            let theirs = store::accounts::robots_of_publisher(&mut tx, &publisher.id).await?;
            robots.extend(theirs);
        }
        robot_views(&mut tx, robots).await
    }

    /// Returns a publisher's robots, for its members.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn publisher_robots(
        &self,
        actor: &Actor,
        slug: &str,
    ) -> Result<Vec<RobotView>, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        let robots = store::accounts::robots_of_publisher(&mut tx, &publisher.id).await?;
        robot_views(&mut tx, robots).await
    }

    /// Returns a robot in force, and whether the asker may manage it; members of its
    /// publisher may look.
    ///
    /// # Errors
    /// There is none that the asker may see.
    pub async fn robot_page(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<(RobotView, bool), AppError> {
        let robots = match name.parse::<RobotName>() {
            Ok(parsed) => match parsed.owner() {
                RobotOwner::Publisher(slug) => self.publisher_robots(actor, slug).await,
                RobotOwner::Account(_) => self.list_robots(actor).await,
            },
            Err(_malformed) => Ok(Vec::new()),
        };
        let robots = match robots {
            Err(AppError::NotFound { .. }) => Vec::new(),
            found => found?,
        };
        let robot = robots.into_iter().find(|robot| robot.account.name == name);
        let robot = robot.ok_or_else(|| AppError::not_found("robot", name))?;
        let mut tx = self.read().await?;
        let may_manage = self.managed_robot(&mut tx, actor, name).await.is_ok();
        Ok((robot, may_manage))
    }

    /// Revokes a robot with all its tokens; its name is not used again.
    ///
    /// # Errors
    /// There is none that the asker may manage.
    pub async fn revoke_robot(&self, actor: &Actor, name: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (robot, allowed) = self.managed_robot(&mut tx, actor, name).await?;
        store::accounts::set_disabled(&mut tx, &robot.id, Some(self.now())).await?;
        tokens::revoke_all(&mut tx, &robot.id, self.now()).await?;
        let change = Change {
            subject: robot.id.as_str(),
            reason: Some(name),
            after: Some("revoked"),
            ..Change::default()
        };
        self.record(&mut tx, actor, allowed, change).await?;
        Ok(tx.commit().await?)
    }

    /// Makes an access token for a robot; gives it and its secret, which is shown once.
    ///
    /// # Errors
    /// There is no such robot that the asker may manage, or the token has no name.
    pub async fn create_robot_token(
        &self,
        actor: &Actor,
        robot: &str,
        new: &NewToken,
    ) -> Result<(Token, String), AppError> {
        let mut tx = self.begin().await?;
        let (robot, allowed) = self.managed_robot(&mut tx, actor, robot).await?;
        let made = self
            .make_token(&mut tx, (actor, allowed), &robot, new)
            .await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Revokes a robot's access token.
    ///
    /// # Errors
    /// There is none that the asker may manage.
    pub async fn revoke_robot_token(
        &self,
        actor: &Actor,
        robot: &str,
        token: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (robot, allowed) = self.managed_robot(&mut tx, actor, robot).await?;
        self.revoke_token_of(&mut tx, (actor, allowed), &robot, token)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns a robot in force that the asker may manage, and what allows it.
    async fn managed_robot(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        name: &str,
    ) -> Result<(Account, Action), AppError> {
        let missing = || AppError::not_found("robot", name);
        let parsed: RobotName = name.parse().map_err(|_malformed| missing())?;
        let owner = self.robot_owner(tx, actor, parsed.owner()).await;
        // Whose robots one may not see, one does not learn the names of.
        let owner = owner.map_err(|error| match error {
            AppError::NotFound { .. } => missing(),
            other => other,
        })?;
        let robot = store::accounts::find_by_name(tx, name).await?;
        let robot = robot.filter(|robot| robot.is_robot() && robot.disabled_at.is_none());
        Ok((robot.ok_or_else(missing)?, owner.allowed))
    }

    async fn robot_owner(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        owner: &RobotOwner,
    ) -> Result<Owner, AppError> {
        match owner {
            RobotOwner::Publisher(slug) => {
                let publisher = self
                    .publisher_for(tx, actor, slug, Action::ManageRobots)
                    .await?;
                Ok(Owner {
                    email: publisher.email,
                    publisher: Some(publisher.id),
                    account: None,
                    allowed: Action::ManageRobots,
                })
            }
            RobotOwner::Account(name) => {
                let account = actor.require_account("to manage your robots")?;
                self.authorize(tx, actor, Action::ManageOwnRobots, None)
                    .await?;
                if account.name != *name {
                    return Err(AppError::not_found("account", name));
                }
                Ok(Owner {
                    publisher: None,
                    account: Some(account.id.clone()),
                    email: account.email.clone(),
                    allowed: Action::ManageOwnRobots,
                })
            }
        }
    }
}

fn check_role(owner: &Owner, role: Option<Role>) -> Result<(), AppError> {
    let message = match (&owner.publisher, role) {
        (Some(_), Some(Role::Viewer | Role::Editor)) | (None, None) => return Ok(()),
        (Some(_), _) => "a publisher's robot is a viewer or an editor",
        (None, _) => "a robot of your own has no role: it pulls what you are subscribed to",
    };
    Err(AppError::Invalid(vec![Problem {
        field: "role".to_owned(),
        message: message.to_owned(),
    }]))
}

async fn robot_views(tx: &mut Tx, robots: Vec<Account>) -> Result<Vec<RobotView>, AppError> {
    let mut views = Vec::new();
    for account in robots {
        let role = match account.robot_publisher() {
            Some(publisher) => store::publishers::member_role(tx, &publisher, &account.id).await?,
            None => None,
        };
        views.push(RobotView {
            role,
            tokens: tokens::of_account(tx, &account.id).await?,
            account,
        });
    }
    Ok(views)
}
