//! Inviting people into a publisher by letter. Whoever has the link may join: with the account
//! they are signed in with, or with a new one for the address.

use market::{
    Action, INVITATION_LIFE, LetterId, MOST_INVITATIONS, PublisherState, Role, is_member_role,
};
use store::{
    Tx,
    invitations::{self as rows, Invitation},
    publishers::Publisher,
};

use crate::{Actor, App, AppError, NewAccount, audit::Change, letters::NewLetter};

/// The page that the link in a letter leads to.
const PAGE: &str = "/invitations";

/// What the page behind the link in a letter shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationPage {
    /// The publisher.
    pub legal_name: String,
    /// Its short name.
    pub slug: String,
    /// Where the letter went.
    pub email: String,
    /// As what one joins.
    pub role: Role,
    /// Who invited.
    pub invited_by: String,
    /// Whether it can still be accepted.
    pub is_open: bool,
}

impl App {
    /// Invites somebody into a publisher by letter.
    ///
    /// # Errors
    /// The address or the role cannot be, they belong to it already, there were too many
    /// letters, or the asker may not.
    pub async fn invite_member(
        &self,
        actor: &Actor,
        slug: &str,
        (email, role): (&str, Role),
    ) -> Result<Invitation, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self.inviting(&mut tx, actor, slug).await?;
        let email = email.trim();
        check_invitation(email, role)?;
        let members = rows::members(&mut tx, &publisher.id).await?;
        if let Some(member) = members
            .iter()
            .find(|one| one.email.eq_ignore_ascii_case(email))
        {
            return Err(AppError::Conflict(format!(
                "{} has this address and belongs to {} already",
                member.name, publisher.slug
            )));
        }
        let invitation = self
            .send_invitation(&mut tx, (actor, &publisher), (email, role))
            .await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// Sends an invitation anew: with a new link, while the old one ends.
    ///
    /// # Errors
    /// There is none that waits, there were too many letters, or the asker may not.
    pub async fn resend_invitation(
        &self,
        actor: &Actor,
        slug: &str,
        id: &str,
    ) -> Result<Invitation, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self.inviting(&mut tx, actor, slug).await?;
        let old = waiting(&mut tx, &publisher, id).await?;
        let to = (old.email.as_str(), old.role);
        let invitation = self
            .send_invitation(&mut tx, (actor, &publisher), to)
            .await?;
        tx.commit().await?;
        Ok(invitation)
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// There is none that waits, or the asker may not.
    pub async fn withdraw_invitation(
        &self,
        actor: &Actor,
        slug: &str,
        id: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self.inviting(&mut tx, actor, slug).await?;
        let old = waiting(&mut tx, &publisher, id).await?;
        self.end_invitation(&mut tx, &old.letter_id).await?;
        self.record_invitation(&mut tx, (actor, Action::ManageMembers), &old, "withdrawn")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns what the page behind the link in a letter shows.
    ///
    /// # Errors
    /// There is no such link.
    pub async fn invitation(&self, id: &str, key: &str) -> Result<InvitationPage, AppError> {
        let mut tx = self.read().await?;
        let (invitation, publisher) = self.invitation_link(&mut tx, id, key).await?;
        Ok(InvitationPage {
            is_open: invitation.is_open(self.now()),
            legal_name: publisher.legal_name,
            slug: publisher.slug.to_string(),
            email: invitation.email,
            role: invitation.role,
            invited_by: invitation.invited_by,
        })
    }

    /// Joins a publisher with the asker's account; gives the publisher's short name.
    ///
    /// # Errors
    /// There is no such link, it is no longer good, or the asker belongs to it already or is
    /// no person.
    pub async fn accept_invitation(
        &self,
        actor: &Actor,
        id: &str,
        key: &str,
    ) -> Result<String, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::JoinPublisher, None)
            .await?;
        let account = actor.require_account("to join")?;
        let (invitation, publisher) = self.invitation_link(&mut tx, id, key).await?;
        let of = &publisher.id;
        if let Some(role) = store::publishers::member_role(&mut tx, of, &account.id).await? {
            return Err(AppError::Conflict(format!(
                "{} belongs to {} already, as {role}",
                account.name, publisher.slug
            )));
        }
        let now = self.now();
        if !invitation.is_open(now)
            || !rows::end(&mut tx, &invitation.letter_id, Some(&account.id), now).await?
        {
            return Err(no_longer_good());
        }
        self.add_member(&mut tx, of, &account.id, invitation.role)
            .await?;
        let how = (actor, Action::JoinPublisher);
        self.record_invitation(&mut tx, how, &invitation, "accepted")
            .await?;
        let joined = (account, Some(invitation.role));
        self.tell_of_membership(&mut tx, (actor, &publisher), joined)
            .await?;
        tx.commit().await?;
        Ok(publisher.slug.to_string())
    }

    /// Makes an account for the address of an invitation, where people may make their own.
    /// It has yet to accept.
    ///
    /// # Errors
    /// There is no such link or it is no longer good; the name is taken or malformed, the
    /// password too short; or accounts are made by the operator.
    pub async fn register_invited(
        &self,
        (id, key): (&str, &str),
        (name, password): (&str, &str),
    ) -> Result<(), AppError> {
        let invited = self.invitation(id, key).await?;
        if !invited.is_open {
            return Err(no_longer_good());
        }
        let new = NewAccount {
            name: name.to_owned(),
            email: invited.email,
            password: password.to_owned(),
            staff_role: None,
        };
        self.create_account(&Actor::anonymous(), &new).await?;
        Ok(())
    }

    async fn inviting(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        slug: &str,
    ) -> Result<Publisher, AppError> {
        let publisher = self
            .publisher_for(tx, actor, slug, Action::ManageMembers)
            .await?;
        if publisher.state == PublisherState::Suspended {
            return Err(AppError::Conflict(format!(
                "{} is suspended and invites nobody",
                publisher.slug
            )));
        }
        Ok(publisher)
    }

    /// Writes the letter; an invitation of the same address that waits ends with it.
    async fn send_invitation(
        &self,
        tx: &mut Tx,
        (actor, publisher): (&Actor, &Publisher),
        (email, role): (&str, Role),
    ) -> Result<Invitation, AppError> {
        let now = self.now();
        let day_ago = now - chrono::TimeDelta::days(1);
        let all = rows::of_publisher(tx, &publisher.id, day_ago).await?;
        let lately = all.iter().filter(|one| one.invited_at > day_ago).count();
        let (same, others): (Vec<_>, Vec<_>) = all
            .iter()
            .partition(|one| one.email.eq_ignore_ascii_case(email));
        let open = others.iter().filter(|one| one.is_open(now)).count();
        if open.max(lately) >= MOST_INVITATIONS {
            return Err(AppError::Conflict(format!(
                "{MOST_INVITATIONS} invitations wait or were sent within a day: wait for some of them"
            )));
        }
        let sent: Vec<_> = same.iter().map(|one| one.invited_at).collect();
        self.may_write_again(&sent)?;
        for old in same.iter().filter(|one| one.ended_at.is_none()) {
            self.end_invitation(tx, &old.letter_id).await?;
        }
        let by = actor
            .signed_in()
            .map_or("the operator", |who| who.name.as_str());
        let expires_at = now + INVITATION_LIFE;
        let letter = NewLetter {
            address: email,
            subject: format!("{} invites you", publisher.legal_name),
            body: format!(
                "{by} invites you to join {} ({}) at {} as {}.\n\nFollow the link below to accept, with an account that you have or with a new one. It holds for {} days and for one person: do not pass it on.",
                publisher.legal_name,
                publisher.slug,
                self.config.host(),
                role_words(role),
                INVITATION_LIFE.num_days()
            ),
            path: PAGE,
            good_until: expires_at,
        };
        let invitation = Invitation {
            letter_id: self.write_letter(tx, letter).await?,
            publisher_id: publisher.id.clone(),
            email: email.to_owned(),
            role,
            invited_by: by.to_owned(),
            invited_at: now,
            expires_at,
            ended_at: None,
            accepted_by: None,
        };
        rows::create(tx, &invitation).await?;
        self.record_invitation(tx, (actor, Action::ManageMembers), &invitation, "invited")
            .await?;
        Ok(invitation)
    }

    async fn end_invitation(&self, tx: &mut Tx, letter: &LetterId) -> Result<(), AppError> {
        rows::end(tx, letter, None, self.now()).await?;
        Ok(store::letters::withdraw(tx, letter, self.now()).await?)
    }

    async fn record_invitation(
        &self,
        tx: &mut Tx,
        (actor, action): (&Actor, Action),
        invitation: &Invitation,
        what: &str,
    ) -> Result<(), AppError> {
        let change = Change {
            subject: invitation.publisher_id.as_str(),
            reason: Some(&format!("{} as {}", invitation.email, invitation.role)),
            after: Some(what),
            ..Change::default()
        };
        self.record(tx, actor, action, change).await
    }

    async fn invitation_link(
        &self,
        tx: &mut Tx,
        id: &str,
        key: &str,
    ) -> Result<(Invitation, Publisher), AppError> {
        let missing = || AppError::not_found("letter with the link", id);
        let letter = self.open_letter(id, key)?;
        let invitation = rows::find(tx, &letter).await?.ok_or_else(missing)?;
        let publisher = store::publishers::find(tx, &invitation.publisher_id).await?;
        Ok((invitation, publisher.ok_or_else(missing)?))
    }
}

/// Returns an invitation of a publisher that neither was accepted nor withdrawn; it may be too
/// old to be accepted.
async fn waiting(tx: &mut Tx, publisher: &Publisher, id: &str) -> Result<Invitation, AppError> {
    let missing = || AppError::not_found("invitation", id);
    let letter: LetterId = id.parse().map_err(|_malformed| missing())?;
    let found = rows::find(tx, &letter).await?;
    let found = found.filter(|one| one.publisher_id == publisher.id && one.ended_at.is_none());
    found.ok_or_else(missing)
}

fn check_invitation(email: &str, role: Role) -> Result<(), AppError> {
    if !is_member_role(role) {
        return Err(AppError::invalid(
            "role",
            "use viewer, editor, finance or owner",
        ));
    }
    if !market::is_email(email) {
        return Err(AppError::invalid(
            "email",
            "give an e-mail address such as ann@example.com",
        ));
    }
    Ok(())
}

fn no_longer_good() -> AppError {
    let message = "the invitation was used, withdrawn or is too old: ask for a new one";
    AppError::Conflict(message.to_owned())
}

fn role_words(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Editor => "an editor",
        Role::Finance => "finance",
        _ => "a viewer",
    }
}
