//! Applying as a publisher, and mending what was said.

use market::{Action, Problem, PublisherId, PublisherState, Role, Slug};
use store::publishers::Publisher;

use crate::{Actor, App, AppError, audit::Change};

/// Applications of one account that may wait at once; each writes to an address.
const MOST_WAITING: usize = 5;

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

/// What an organisation says of itself, to mend it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Legal entity name.
    pub legal_name: String,
    /// Company website.
    pub website: String,
    /// Phone number.
    pub phone: String,
    /// Company e-mail.
    pub email: String,
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
        let own = store::publishers::of_account(&mut tx, &owner).await?;
        let waits = |one: &&Publisher| one.state == PublisherState::Applied;
        if own.iter().filter(waits).count() >= MOST_WAITING {
            return Err(AppError::Conflict(format!(
                "{MOST_WAITING} of your applications wait already: let the operator decide first"
            )));
        }
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
        self.send_email_proof(&mut tx, &publisher).await?;
        self.tell_of_application(&mut tx, &publisher).await?;
        tx.commit().await?;
        Ok(publisher)
    }

    /// Mends what a publisher says of itself, until it is verified. What was proven of another
    /// address or domain no longer counts, and a new address gets a link.
    ///
    /// # Errors
    /// Fields are wrong, it is verified, there were too many new addresses, or the asker may not.
    pub async fn change_profile(
        &self,
        actor: &Actor,
        slug: &str,
        profile: &Profile,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let mut publisher = self
            .publisher_for(&mut tx, actor, slug, Action::EditPublisher)
            .await?;
        if publisher.state == PublisherState::Verified {
            return Err(AppError::Conflict(
                "a verified publisher's profile stands as it was verified: ask the operator"
                    .to_owned(),
            ));
        }
        let problems = profile_problems(profile);
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let is_new = publisher.email != profile.email;
        publisher.legal_name = profile.legal_name.trim().to_owned();
        publisher.website.clone_from(&profile.website);
        publisher.phone.clone_from(&profile.phone);
        publisher.email.clone_from(&profile.email);
        store::publishers::set_profile(&mut tx, &publisher).await?;
        if is_new {
            self.send_email_proof(&mut tx, &publisher).await?;
        }
        let change = Change {
            subject: publisher.id.as_str(),
            after: Some("profile-changed"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::EditPublisher, change)
            .await?;
        Ok(tx.commit().await?)
    }
}

fn check_application(application: &Application) -> Result<Slug, AppError> {
    let mut problems = profile_problems(&Profile {
        legal_name: application.legal_name.clone(),
        website: application.website.clone(),
        phone: application.phone.clone(),
        email: application.email.clone(),
    });
    match Slug::for_address(&application.slug) {
        Ok(slug) if problems.is_empty() => return Ok(slug),
        Ok(_) => {}
        Err(error) => problems.push(Problem {
            field: "slug".to_owned(),
            message: error.to_string(),
        }),
    }
    Err(AppError::Invalid(problems))
}

fn profile_problems(profile: &Profile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |field: &str, message: &str| {
        problems.push(Problem {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    if profile.legal_name.trim().is_empty() || profile.legal_name.chars().count() > 200 {
        add(
            "legal_name",
            "give the legal entity's name, at most 200 characters",
        );
    }
    let site = profile
        .website
        .strip_prefix("https://")
        .or_else(|| profile.website.strip_prefix("http://"));
    if site.is_none_or(|site| !site.contains('.') && !site.starts_with("localhost"))
        || profile.website.len() > 500
    {
        add(
            "website",
            "give the company's website, such as https://example.com",
        );
    }
    let digits = profile.phone.bytes().filter(u8::is_ascii_digit).count();
    let legal = |c: char| c.is_ascii_digit() || " +-()./".contains(c);
    if !(5..=20).contains(&digits) || profile.phone.len() > 60 || !profile.phone.chars().all(legal)
    {
        add("phone", "give a phone number such as +1 555 0100");
    }
    let has_dot = |email: &str| {
        email
            .rsplit_once('@')
            .is_some_and(|(_, it)| it.contains('.'))
    };
    if !market::is_email(&profile.email) || !has_dot(&profile.email) {
        add(
            "email",
            "give a company e-mail address such as sales@example.com",
        );
    }
    problems
}
