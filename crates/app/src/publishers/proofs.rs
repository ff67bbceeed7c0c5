//! What a publisher proves of what it says of itself: that it reads its company e-mail, and
//! that it keeps its website's domain. The operator sees both before anybody is verified.

use chrono::{DateTime, TimeDelta, Utc};
use market::{
    Action, DOMAIN_FILE, DOMAIN_LOOKS, DOMAIN_RECORD, DomainProof, EMAIL_PROOF_LIFE, PublisherId,
    PublisherState, domain_text, domains_agree, email_domain, has_domain_text, mail_back_off,
    may_look_again, website_domain,
};
use store::{
    Tx,
    proofs::{self as rows, DomainLook, DomainProofRow, EmailProofRow},
    publishers::Publisher,
};

use crate::{Actor, App, AppError, accounts::secret_text, audit::Change, letters::NewLetter};

/// How long somebody has a domain to look at it; longer than any look takes.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// The page that the link in a letter leads to.
const EMAIL_PAGE: &str = "/proofs/email";

/// How it stands about what a publisher proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proofs {
    /// The company e-mail.
    pub email: String,
    /// When the last link was sent there.
    pub email_sent_at: Option<DateTime<Utc>>,
    /// Until when that holds.
    pub email_expires_at: Option<DateTime<Utc>>,
    /// When a link to this address was followed.
    pub email_proven_at: Option<DateTime<Utc>>,
    /// The website's domain; none where its host is no name of the public DNS, so that
    /// nothing can be proven.
    pub domain: Option<DomainStanding>,
    /// Whether the e-mail is of the website's domain, or of one below or above it.
    pub domains_agree: bool,
    /// Whether the asker may prove them.
    pub may_prove: bool,
}

/// How it stands about a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainStanding {
    /// The domain.
    pub domain: String,
    /// The name whose TXT record proves it.
    pub record: String,
    /// The address of the file that proves it.
    pub file: String,
    /// The text that is to stand in either.
    pub text: String,
    /// When it is looked at next.
    pub next_look: Option<DateTime<Utc>>,
    /// When it was last looked at.
    pub looked_at: Option<DateTime<Utc>>,
    /// Why that found nothing.
    pub error: Option<String>,
    /// Where the text was found, and when.
    pub proven: Option<(DomainProof, DateTime<Utc>)>,
}

impl Proofs {
    /// Returns what is not proven, in words.
    pub fn missing(&self) -> Vec<&'static str> {
        let domain = self.domain.as_ref();
        let domain = domain.is_some_and(|domain| domain.proven.is_some());
        let all = [
            ("the company e-mail", self.email_proven_at.is_some()),
            ("the website's domain", domain),
        ];
        let missing = all.into_iter().filter(|(_, is_proven)| !is_proven);
        missing.map(|(what, _)| what).collect()
    }
}

/// What the page behind the link in a letter shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailProofPage {
    /// Who applied.
    pub legal_name: String,
    /// Their website.
    pub website: String,
    /// The address that is proven.
    pub email: String,
    /// Whether the link can still be followed.
    pub is_open: bool,
    /// Whether the address is proven.
    pub is_proven: bool,
}

/// A domain to look at.
#[derive(Debug, Clone)]
pub struct DomainToLookAt {
    /// The name whose TXT record may have the text.
    pub record: String,
    /// The address of the file that may.
    pub file: String,
    row: DomainProofRow,
}

/// What was found at a domain: the texts, or why there are none.
#[derive(Debug, Clone)]
pub struct DomainFound {
    /// The TXT records.
    pub records: Result<Vec<String>, String>,
    /// The file.
    pub file: Result<String, String>,
}

impl App {
    /// Returns how it stands about what a publisher proves, for its members and the staff.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn publisher_proofs(&self, actor: &Actor, slug: &str) -> Result<Proofs, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, slug).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let mut proofs = self.proofs(&mut tx, &publisher).await?;
        proofs.may_prove = crate::actor::check(actor, Action::EditPublisher, &roles).is_ok();
        Ok(proofs)
    }

    pub(crate) async fn proofs(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
    ) -> Result<Proofs, AppError> {
        let emails = rows::emails(tx, &publisher.id).await?;
        let mut emails = emails.iter().filter(|row| row.email == publisher.email);
        let newest = emails.clone().next();
        let domain = website_domain(&publisher.website);
        let of_email = email_domain(&publisher.email);
        let row = rows::domain(tx, &publisher.id).await?;
        Ok(Proofs {
            email: publisher.email.clone(),
            email_sent_at: newest.map(|row| row.asked_at),
            email_expires_at: newest.map(|row| row.expires_at),
            email_proven_at: emails.find_map(|row| row.proven_at),
            domains_agree: domain
                .as_ref()
                .zip(of_email)
                .is_some_and(|(site, email)| domains_agree(site, &email)),
            domain: domain.map(|domain| {
                let row = row.filter(|row| row.domain == domain);
                self.domain_standing(&publisher.id, domain, row)
            }),
            may_prove: false,
        })
    }

    fn domain_standing(
        &self,
        publisher: &PublisherId,
        domain: String,
        row: Option<DomainProofRow>,
    ) -> DomainStanding {
        let (record, file) = places(&domain);
        let way = row
            .as_ref()
            .and_then(|row| row.way.as_deref()?.parse().ok());
        DomainStanding {
            record,
            file,
            text: self.domain_secret(publisher, &domain),
            next_look: row.as_ref().and_then(|row| row.due_at),
            looked_at: row.as_ref().and_then(|row| row.looked_at),
            proven: way.zip(row.as_ref().and_then(|row| row.proven_at)),
            error: row.and_then(|row| row.error),
            domain,
        }
    }

    fn domain_secret(&self, publisher: &PublisherId, domain: &str) -> String {
        let salt = format!("domain\n{publisher}\n{domain}");
        domain_text(&secret_text(&self.keys.trust.derive_seed(salt.as_bytes())))
    }

    /// Sends a link to the company e-mail once more.
    ///
    /// # Errors
    /// It is proven already, the last link is too new or there were too many, or the asker
    /// may not.
    pub async fn mail_email_proof(&self, actor: &Actor, slug: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::EditPublisher)
            .await?;
        let sent = rows::emails(&mut tx, &publisher.id).await?;
        let mut same = sent.iter().filter(|row| row.email == publisher.email);
        if same.any(|row| row.proven_at.is_some()) {
            let message = format!("{} is proven already", publisher.email);
            return Err(AppError::Conflict(message));
        }
        self.send_email_proof(&mut tx, &publisher).await?;
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&publisher.email),
            after: Some("link-sent"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::EditPublisher, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Sends a link to the company e-mail, unless there were too many.
    pub(crate) async fn send_email_proof(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
    ) -> Result<(), AppError> {
        let now = self.now();
        // Addresses that were mended are counted as well: nobody is written to through us.
        let sent = rows::emails(tx, &publisher.id).await?;
        let sent: Vec<_> = sent.iter().map(|row| row.asked_at).collect();
        self.may_write_again(&sent)?;
        let expires_at = now + EMAIL_PROOF_LIFE;
        let (name, slug) = (&publisher.legal_name, &publisher.slug);
        let host = self.config.host();
        let letter = NewLetter {
            address: &publisher.email,
            subject: format!("Is this the company e-mail of {name}?"),
            body: format!(
                "{name} applied to publish at {host} under the name {slug} and gave this address as its company e-mail.\n\nIf that is so, follow the link below and confirm. It holds for {} days. If it is not, do nothing.",
                EMAIL_PROOF_LIFE.num_days()
            ),
            path: EMAIL_PAGE,
            good_until: expires_at,
        };
        let letter_id = self.write_letter(tx, letter).await?;
        let row = EmailProofRow {
            letter_id,
            publisher_id: publisher.id.clone(),
            email: publisher.email.clone(),
            asked_at: now,
            expires_at,
            proven_at: None,
        };
        Ok(rows::add_email(tx, &row).await?)
    }

    /// Returns what the page behind the link in a letter shows.
    ///
    /// # Errors
    /// There is no such link.
    pub async fn email_proof(&self, id: &str, key: &str) -> Result<EmailProofPage, AppError> {
        let mut tx = self.read().await?;
        let (row, publisher) = self.email_link(&mut tx, id, key).await?;
        Ok(EmailProofPage {
            is_open: self.is_open(&row, &publisher),
            is_proven: row.proven_at.is_some(),
            legal_name: publisher.legal_name,
            website: publisher.website,
            email: row.email,
        })
    }

    /// Proves a company e-mail: whoever has the link reads it.
    ///
    /// # Errors
    /// There is no such link, or it was used, is too old, or is for an address that was mended.
    pub async fn prove_email(&self, id: &str, key: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (row, publisher) = self.email_link(&mut tx, id, key).await?;
        if !self.is_open(&row, &publisher)
            || !rows::set_email_proven(&mut tx, &row.letter_id, self.now()).await?
        {
            return Err(AppError::Conflict(
                "the link was used before or is no longer good: have a new one sent from the publisher's page".to_owned(),
            ));
        }
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&row.email),
            after: Some("email-proven"),
            ..Change::default()
        };
        self.record(&mut tx, &Actor::anonymous(), Action::EditPublisher, change)
            .await?;
        self.tell_if_proven(&mut tx, &publisher).await?;
        Ok(tx.commit().await?)
    }

    async fn email_link(
        &self,
        tx: &mut Tx,
        id: &str,
        key: &str,
    ) -> Result<(EmailProofRow, Publisher), AppError> {
        let missing = || AppError::not_found("letter with the link", id);
        let letter = self.open_letter(id, key)?;
        let row = rows::find_email(tx, &letter).await?.ok_or_else(missing)?;
        let publisher = store::publishers::find(tx, &row.publisher_id).await?;
        Ok((row, publisher.ok_or_else(missing)?))
    }

    fn is_open(&self, row: &EmailProofRow, publisher: &Publisher) -> bool {
        row.proven_at.is_none() && row.expires_at > self.now() && row.email == publisher.email
    }

    /// Has the website's domain looked at soon, and again for some hours if the text is not there.
    ///
    /// # Errors
    /// It is proven already or was looked at a moment ago, there is nothing to look at, or the
    /// asker may not.
    pub async fn look_at_domain(&self, actor: &Actor, slug: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, slug, Action::EditPublisher)
            .await?;
        let Some(domain) = website_domain(&publisher.website) else {
            return Err(AppError::Conflict(format!(
                "{} has no name of the public DNS, so nothing can be proven of it",
                publisher.website
            )));
        };
        let now = self.now();
        let row = rows::domain(&mut tx, &publisher.id).await?;
        let row = row.filter(|row| row.domain == domain);
        if row.as_ref().is_some_and(|row| row.proven_at.is_some()) {
            return Err(AppError::Conflict(format!("{domain} is proven already")));
        }
        let asked = row.map(|row| {
            row.looked_at
                .map_or(row.asked_at, |at| at.max(row.asked_at))
        });
        if !may_look_again(asked, now) {
            return Err(AppError::Conflict(format!(
                "{domain} was looked at a moment ago: load the page again to see what was found"
            )));
        }
        rows::ask_domain(&mut tx, &publisher.id, &domain, now).await?;
        let change = Change {
            subject: publisher.id.as_str(),
            reason: Some(&domain),
            after: Some("domain-asked"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::EditPublisher, change)
            .await?;
        tx.commit().await?;
        self.domain_asked.notify_one();
        Ok(())
    }

    /// Waits until a domain is to be looked at, at this node.
    pub async fn domain_asked(&self) {
        self.domain_asked.notified().await;
    }

    /// Takes the domain that waits longest to be looked at. Costs one look at the database
    /// while there is none.
    ///
    /// # Errors
    /// The database refused.
    pub async fn take_domain(&self) -> Result<Option<DomainToLookAt>, AppError> {
        let now = self.now();
        if !rows::is_domain_due(&mut self.read().await?, now).await? {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let claimed = rows::claim_domain(&mut tx, now, now + LEASE).await?;
        tx.commit().await?;
        Ok(claimed.map(|row| {
            let (record, file) = places(&row.domain);
            DomainToLookAt { record, file, row }
        }))
    }

    /// Notes what was found at a domain. Where the text is not, it is looked again, less and
    /// less often.
    ///
    /// # Errors
    /// The database refused.
    pub async fn domain_looked_at(
        &self,
        looked: &DomainToLookAt,
        found: &DomainFound,
    ) -> Result<(), AppError> {
        let row = &looked.row;
        let expected = self.domain_secret(&row.publisher_id, &row.domain);
        let (way, error) = judge(found, &expected);
        let looks = row.looks + 1;
        let now = self.now();
        let again = way.is_none() && looks < DOMAIN_LOOKS;
        let look = DomainLook {
            at: now,
            found: way,
            error: error.as_deref(),
            due_at: again.then(|| now + mail_back_off(looks)),
        };
        let mut tx = self.begin().await?;
        let publisher = store::publishers::find(&mut tx, &row.publisher_id).await?;
        let noted = rows::set_domain_look(&mut tx, row, look).await?;
        let (Some(publisher), true) = (publisher, noted) else {
            return Ok(());
        };
        if let Some(way) = way {
            let change = Change {
                subject: publisher.id.as_str(),
                reason: Some(&format!("{} by {}", row.domain, way.title())),
                after: Some("domain-proven"),
                ..Change::default()
            };
            self.record(&mut tx, &Actor::system(), Action::EditPublisher, change)
                .await?;
            self.tell_if_proven(&mut tx, &publisher).await?;
        }
        if !again {
            self.tell_of_domain(&mut tx, &publisher, (&row.domain, error.as_deref()))
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Tells the operator that an application has everything proven.
    async fn tell_if_proven(&self, tx: &mut Tx, publisher: &Publisher) -> Result<(), AppError> {
        let proofs = self.proofs(tx, publisher).await?;
        if publisher.state == PublisherState::Applied && proofs.missing().is_empty() {
            self.tell_of_proofs(tx, publisher).await?;
        }
        Ok(())
    }
}

/// Returns where the text that proves a domain may stand.
fn places(domain: &str) -> (String, String) {
    (
        format!("{DOMAIN_RECORD}.{domain}"),
        format!("https://{domain}{DOMAIN_FILE}"),
    )
}

/// Returns where the text was found, or why it was not.
fn judge(found: &DomainFound, expected: &str) -> (Option<DomainProof>, Option<String>) {
    let record = match &found.records {
        Ok(records) if records.iter().any(|text| text.trim() == expected) => {
            return (Some(DomainProof::Record), None);
        }
        Ok(records) if records.is_empty() => "there is none".to_owned(),
        Ok(records) => format!("none of {} is the text", records.len()),
        Err(error) => error.clone(),
    };
    let file = match &found.file {
        Ok(text) if has_domain_text(text, expected) => return (Some(DomainProof::File), None),
        Ok(_) => "no line is the text".to_owned(),
        Err(error) => error.clone(),
    };
    (None, Some(format!("TXT record: {record}. File: {file}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_place_is_enough_and_both_are_explained() {
        let text = "plimsoll-verification=abc";
        let found = |records: Result<&[&str], &str>, file: Result<&str, &str>| DomainFound {
            records: records
                .map(|texts| texts.iter().map(|text| (*text).to_owned()).collect())
                .map_err(str::to_owned),
            file: file.map(str::to_owned).map_err(str::to_owned),
        };
        let check = |found: DomainFound, way: Option<DomainProof>| {
            assert_eq!(judge(&found, text).0, way);
        };
        check(
            found(Ok(&["v=spf1", text]), Err("x")),
            Some(DomainProof::Record),
        );
        check(found(Err("x"), Ok(text)), Some(DomainProof::File));
        check(found(Ok(&[]), Ok("plimsoll-verification=abcd")), None);
        let (_, why) = judge(&found(Ok(&["other"]), Err("it answered 404")), text);
        insta::assert_snapshot!(why.expect("a reason"), @"TXT record: none of 1 is the text. File: it answered 404.");
    }
}
