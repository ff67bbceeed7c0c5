//! What people are told of publishers: applications, proofs, teams, decisions.

use market::{EventId, NoticeKind, Role};
use store::{Tx, accounts::Account, publishers::Publisher};

use super::{News, news::without};
use crate::{Actor, App, AppError};

impl App {
    /// Tells a publisher's people what was decided on it.
    pub(crate) async fn tell_of_publisher(
        &self,
        tx: &mut Tx,
        (actor, publisher): (&Actor, &Publisher),
        reason: Option<&str>,
    ) -> Result<(), AppError> {
        let (name, state) = (&publisher.legal_name, publisher.state);
        let reason = reason.map(|reason| format!("\n\n{reason}"));
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!("{state}:{}:{}", publisher.id, self.id(EventId::new)),
            title: format!("{name} is {state}"),
            body: format!(
                "The operator decided on {name}: {state}.{}",
                reason.unwrap_or_default()
            ),
            path: &format!("/publisher/{}", publisher.slug),
            product: None,
        };
        let people = store::notices::publishers_people(tx, &publisher.id).await?;
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Tells the operator that somebody applied.
    pub(crate) async fn tell_of_application(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
    ) -> Result<(), AppError> {
        let (name, slug) = (&publisher.legal_name, &publisher.slug);
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!("applied:{}", publisher.id),
            title: format!("{name} applied as a publisher"),
            body: format!(
                "{name} applied to publish as {slug}. It is asked to prove its e-mail and its domain; you are told when both are proven."
            ),
            path: "/operator#publishers",
            product: None,
        };
        let people = store::notices::operators(tx).await?;
        self.tell(tx, &people, &news).await
    }

    /// Tells the operator that an application waits for nothing but a decision.
    pub(crate) async fn tell_of_proofs(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
    ) -> Result<(), AppError> {
        let (name, email) = (&publisher.legal_name, &publisher.email);
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!("proven:{}:{email}:{}", publisher.id, publisher.website),
            title: format!("{name} waits for your decision"),
            body: format!(
                "{name} has proven its e-mail {email} and the domain of {}. Verify it or turn it down.",
                publisher.website
            ),
            path: "/operator#publishers",
            product: None,
        };
        let people = store::notices::operators(tx).await?;
        self.tell(tx, &people, &news).await
    }

    /// Tells of somebody who joined a publisher, is something else there now, or has left it:
    /// them, and its other owners.
    pub(crate) async fn tell_of_membership(
        &self,
        tx: &mut Tx,
        (actor, publisher): (&Actor, &Publisher),
        (account, role): (&Account, Option<Role>),
    ) -> Result<(), AppError> {
        let (who, name) = (&account.name, &publisher.legal_name);
        let (title, path) = match role {
            Some(role) => (
                format!("{who} is {role} of {name}"),
                format!("/publisher/{}#team", publisher.slug),
            ),
            None => (
                format!("{who} no longer belongs to {name}"),
                "/publisher".to_owned(),
            ),
        };
        let by = match actor.signed_in() {
            Some(by) if by.id != account.id => format!(" That was done by {}.", by.name),
            Some(_) => String::new(),
            None => " That was done by the operator.".to_owned(),
        };
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!(
                "member:{}:{}:{}",
                publisher.id,
                account.id,
                self.id(EventId::new)
            ),
            body: format!("{title}.{by}"),
            title,
            path: &path,
            product: None,
        };
        let mut people = store::notices::owners(tx, &publisher.id).await?;
        people.push(account.id.clone());
        self.tell(tx, &without(people, actor), &news).await
    }

    /// Tells a publisher that its domain is proven, or why it is no longer looked at.
    pub(crate) async fn tell_of_domain(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        (domain, error): (&str, Option<&str>),
    ) -> Result<(), AppError> {
        let (title, body) = match error {
            None => (
                format!("{domain} is proven"),
                format!(
                    "The text that proves {domain} was found, so the domain counts as {}'s own. You may take the text away.",
                    publisher.legal_name
                ),
            ),
            Some(error) => (
                format!("{domain} could not be proven"),
                format!(
                    "The text that proves {domain} was not found. {error}\n\nPut it into one of the two places and have it looked at again."
                ),
            ),
        };
        let news = News {
            kind: NoticeKind::Publisher,
            cause: format!("domain:{}:{domain}:{}", publisher.id, self.id(EventId::new)),
            title,
            body,
            path: &format!("/publisher/{}#proofs", publisher.slug),
            product: None,
        };
        let people = store::notices::publishers_people(tx, &publisher.id).await?;
        self.tell(tx, &people, &news).await
    }
}
