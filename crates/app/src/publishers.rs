//! Publishers: applying, being verified, members.

use market::{AccountId, Action, Problem, PublisherId, PublisherState, Role, Slug};
use store::{
    Tx,
    publishers::{Member, Publisher, PublisherKey},
};

use crate::{Actor, App, AppError, ProductOverview, audit::Change};

/// What an organisation tells about itself (publish guide, "Verified Publisher profile").
#[derive(Debug, Clone, Default)]
pub struct Application {
    /// Short name in addresses and repositories.
    pub slug: String,
    /// Legal entity name.
    pub legal_name: String,
    /// Company website.
    pub website: String,
    /// Phone number.
    pub phone: String,
    /// Company e-mail.
    pub email: String,
    /// The version of the publisher agreement that was read and is accepted.
    pub agreement: Option<i64>,
}

impl Application {
    /// Returns everything that is wrong with it, field by field; whether the short name is taken is not looked at.
    pub fn problems(&self) -> Vec<Problem> {
        match check_application(self) {
            Err(AppError::Invalid(problems)) => problems,
            _ => Vec::new(),
        }
    }
}

/// What members and the operator see of a publisher.
#[derive(Debug, Clone)]
pub struct PublisherPage {
    /// The publisher.
    pub publisher: Publisher,
    /// Its signing keys, revoked ones too.
    pub keys: Vec<PublisherKey>,
    /// Its products.
    pub products: Vec<ProductOverview>,
    /// Whether the asker may change products and submit.
    pub may_edit: bool,
    /// Whether the asker may manage keys.
    pub may_manage: bool,
}

/// What an account is to a publisher.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The publisher.
    pub publisher: Publisher,
    /// `viewer`, `editor` or `owner`.
    pub role: String,
    /// How many products the publisher has.
    pub products: usize,
}

impl App {
    /// Applies for an organisation; the asker becomes its owner.
    ///
    /// # Errors
    /// Nobody is signed in, fields are wrong, or the short name is taken.
    pub async fn apply_as_publisher(
        &self,
        actor: &Actor,
        application: &Application,
    ) -> Result<Publisher, AppError> {
        let slug = check_application(application)?;
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::ApplyAsPublisher, None)
            .await?;
        let owner = actor.require_account("to apply")?.id.clone();
        if let Some(message) = self.not_accepted(&mut tx, application.agreement).await? {
            return Err(AppError::invalid("agreement", message));
        }
        let publisher = Publisher {
            id: self.id(PublisherId::new),
            slug,
            state: PublisherState::Applied,
            legal_name: application.legal_name.trim().to_owned(),
            website: application.website.clone(),
            phone: application.phone.clone(),
            email: application.email.clone(),
            logo: None,
            created_at: self.now(),
            decided_at: None,
            reason: None,
        };
        store::publishers::create(&mut tx, &publisher)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::invalid(
                        "slug",
                        format!("`{}` is taken: choose another short name", publisher.slug),
                    )
                } else {
                    error.into()
                }
            })?;
        self.add_member(&mut tx, &publisher.id, &owner, Role::Owner)
            .await?;
        let change = Change {
            subject: publisher.id.as_str(),
            after: Some(publisher.state.as_str()),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ApplyAsPublisher, change)
            .await?;
        self.note_accepted(&mut tx, actor, &publisher, application.agreement)
            .await?;
        tx.commit().await?;
        Ok(publisher)
    }

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

    /// Makes an account a member of a publisher as viewer, editor or owner.
    ///
    /// # Errors
    /// The account is unknown, the role is none of these, or the asker is no owner.
    pub async fn set_member(
        &self,
        actor: &Actor,
        slug: &str,
        account: &str,
        role: Role,
    ) -> Result<(), AppError> {
        if !matches!(role, Role::Viewer | Role::Editor | Role::Owner) {
            return Err(AppError::invalid("role", "use viewer, editor or owner"));
        }
        let mut tx = self.begin().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        self.authorize(&mut tx, actor, Action::ManageMembers, Some(&publisher.id))
            .await?;
        let found = store::accounts::find_by_name(&mut tx, account).await?;
        let account = found.ok_or_else(|| AppError::not_found("account", account))?;
        if account.is_robot() {
            return Err(AppError::invalid(
                "account",
                "a robot belongs where it was made: make one for this publisher",
            ));
        }
        self.add_member(&mut tx, &publisher.id, &account.id, role)
            .await?;
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&account.name),
            after: Some(role.as_str()),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManageMembers, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Verifies, rejects or suspends a publisher.
    ///
    /// # Errors
    /// The standing does not allow it, or the asker may not.
    pub async fn decide_publisher(
        &self,
        actor: &Actor,
        slug: &str,
        to: PublisherState,
        reason: &str,
    ) -> Result<Publisher, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::DecidePublisher, None)
            .await?;
        let mut publisher = self.publisher_by_slug(&mut tx, slug).await?;
        let before = publisher.state;
        publisher.state = before.decide(to)?;
        let reason = Some(reason.trim()).filter(|reason| !reason.is_empty());
        if to != PublisherState::Verified && reason.is_none() {
            return Err(AppError::invalid(
                "reason",
                "say why, so that the publisher knows what to do",
            ));
        }
        let states = (before, to);
        if !store::publishers::set_state(&mut tx, &publisher.id, states, self.now(), reason).await?
        {
            return Err(AppError::changed_meanwhile("publisher"));
        }
        let change = Change {
            subject: publisher.id.as_str(),
            reason,
            before: Some(before.as_str()),
            after: Some(to.as_str()),
        };
        self.record(&mut tx, actor, Action::DecidePublisher, change)
            .await?;
        self.publish_publisher(&mut tx, &publisher, reason).await?;
        self.tell_of_publisher(&mut tx, (actor, &publisher), reason)
            .await?;
        tx.commit().await?;
        Ok(publisher)
    }

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
            let products = store::products::of_publisher(&mut tx, &publisher.id).await?;
            memberships.push(Membership {
                role: role.unwrap_or_default(),
                products: products.len(),
                publisher,
            });
        }
        Ok(memberships)
    }

    /// Returns all publishers, for the operator.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn list_publishers(&self, actor: &Actor) -> Result<Vec<Publisher>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::DecidePublisher, None)
            .await?;
        Ok(store::publishers::list(&mut tx).await?)
    }

    /// Returns what members see of their publisher.
    ///
    /// # Errors
    /// There is none, or the asker is no member.
    pub async fn publisher_page(
        &self,
        actor: &Actor,
        slug: &str,
    ) -> Result<PublisherPage, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let keys = store::publishers::keys(&mut tx, &publisher.id).await?;
        let mut products = Vec::new();
        for product in store::products::of_publisher(&mut tx, &publisher.id).await? {
            products.push(self.product_overview(&mut tx, product).await?);
        }
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        Ok(PublisherPage {
            publisher,
            keys,
            products,
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

fn check_application(application: &Application) -> Result<Slug, AppError> {
    let mut problems = Vec::new();
    let mut add = |field: &str, message: &str| {
        problems.push(Problem {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    if application.legal_name.trim().is_empty() || application.legal_name.chars().count() > 200 {
        add(
            "legal_name",
            "give the legal entity's name, at most 200 characters",
        );
    }
    let site = application
        .website
        .strip_prefix("https://")
        .or_else(|| application.website.strip_prefix("http://"));
    if site.is_none_or(|site| !site.contains('.') && !site.starts_with("localhost"))
        || application.website.len() > 500
    {
        add(
            "website",
            "give the company's website, such as https://example.com",
        );
    }
    let digits = application.phone.bytes().filter(u8::is_ascii_digit).count();
    let legal = |c: char| c.is_ascii_digit() || " +-()./".contains(c);
    if !(5..=20).contains(&digits)
        || application.phone.len() > 60
        || !application.phone.chars().all(legal)
    {
        add("phone", "give a phone number such as +1 555 0100");
    }
    let email_fits = application
        .email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    if !email_fits
        || application.email.len() > 254
        || application.email.contains(char::is_whitespace)
    {
        add(
            "email",
            "give a company e-mail address such as sales@example.com",
        );
    }
    let slug = application
        .slug
        .parse::<Slug>()
        .map_err(|error| add("slug", &error.to_string()));
    match slug {
        Ok(slug) if problems.is_empty() => Ok(slug),
        _ => Err(AppError::Invalid(problems)),
    }
}
